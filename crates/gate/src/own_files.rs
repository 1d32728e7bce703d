//! Files and folders of Aegis must be its own, and no links to others.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What Aegis writes in its folder of state, each folder before what lies in it.
const WRITTEN: [&str; 11] = [
    "keys",
    "keys/redaction.key",
    "cache",
    "cache/last-good",
    "trust.json",
    "log.db",
    "log.db-wal",
    "log.db-shm",
    "log.db-journal",
    "installs",
    "backups",
];

/// Returns the first link among the folder `state` and what Aegis writes in it.
///
/// What is written through a link lands where somebody else chose. The folders
/// above `state` are not Aegis' own and may be reached by links.
#[must_use]
pub fn link_among(state: &Path) -> Option<PathBuf> {
    let own = WRITTEN.iter().map(|name| state.join(name));
    std::iter::once(state.to_path_buf())
        .chain(own)
        .find(|path| is_link(path))
}

/// Refuses to write to `path` if it is a link.
pub(crate) fn refuse_link(path: &Path) -> io::Result<()> {
    if is_link(path) {
        return Err(io::Error::other(format!(
            "`{}` is a link, which Aegis does not follow",
            path.display()
        )));
    }
    Ok(())
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_is_found_whether_or_not_it_leads_anywhere() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = folder.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        for (number, name) in [".", "cache", "cache/last-good", "trust.json", "log.db"]
            .iter()
            .enumerate()
        {
            for leads in [elsewhere.clone(), folder.path().join("nowhere")] {
                let is_dangling = !leads.exists();
                let state = folder.path().join(format!("state-{number}-{is_dangling}"));
                let link: PathBuf = state.join(name).components().collect();
                fs::create_dir_all(link.parent().unwrap()).unwrap();
                symlink(&leads, &link).unwrap();
                assert_eq!(link_among(&state), Some(link), "{name} {is_dangling}");
            }
        }
    }

    #[test]
    fn a_folder_that_is_reached_by_a_link_further_up_is_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().join("real");
        fs::create_dir_all(real.join("state/cache")).unwrap();
        symlink(&real, folder.path().join("home")).unwrap();
        assert_eq!(link_among(&folder.path().join("home/state")), None);
        assert_eq!(link_among(&folder.path().join("absent")), None);
    }
}
