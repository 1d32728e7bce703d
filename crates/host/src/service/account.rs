//! Accounts of the machine: looking them up, making and removing them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::ServiceError;

/// Where the system keeps programs that only root needs; the search path of
/// whoever calls is not asked.
const FOLDERS: [&str; 4] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Shells that let nobody in.
const NO_SHELLS: [&str; 4] = [
    "/usr/sbin/nologin",
    "/sbin/nologin",
    "/usr/bin/false",
    "/bin/false",
];

/// An account as the list of users has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Account {
    /// Its number.
    pub(crate) user: u32,
    /// The number of its group.
    pub(crate) group: u32,
    /// Its shell.
    pub(crate) shell: String,
}

impl Account {
    /// Returns whether somebody can log into it.
    pub(crate) fn lets_people_in(&self) -> bool {
        !NO_SHELLS.contains(&self.shell.as_str())
    }
}

/// Returns the account called `name` in the list of users `path`.
pub(crate) fn account_called(path: &Path, name: &str) -> Option<Account> {
    let list = fs::read_to_string(path).ok()?;
    list.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        match fields.as_slice() {
            [found, _, user, group, _, _, shell] if *found == name => Some(Account {
                user: user.parse().ok()?,
                group: group.parse().ok()?,
                shell: (*shell).to_owned(),
            }),
            _ => None,
        }
    })
}

/// Refuses what is no name for the account of a service.
pub(super) fn check_name(name: &str) -> Result<(), ServiceError> {
    let is_plain = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    let may_follow = |letter: char| is_plain(letter) || letter.is_ascii_digit() || letter == '-';
    let is_name = name.starts_with(is_plain) && name.chars().all(may_follow) && name.len() <= 31;
    if is_name && name != "root" {
        return Ok(());
    }
    Err(ServiceError::Name(name.to_owned()))
}

/// Makes the account `name` and its group, with nobody's shell and no home of its own.
pub(super) fn make(name: &str, home: &Path) -> Result<(), ServiceError> {
    let home = home.display().to_string();
    let shell = NO_SHELLS
        .into_iter()
        .find(|shell| Path::new(shell).exists());
    let shell = shell.unwrap_or("/bin/false");
    if let Some(program) = program("useradd") {
        let words = [
            "--system",
            "--user-group",
            "--no-create-home",
            "--home-dir",
            &home,
        ];
        let kept = ["--shell", shell, "--comment", "Aegis", name];
        return run(&program, &[&words[..], &kept].concat());
    }
    let (Some(group), Some(user)) = (program("addgroup"), program("adduser")) else {
        return Err(ServiceError::NoAccountTool(name.to_owned()));
    };
    run(&group, &["-S", name])?;
    let words = ["-S", "-D", "-H", "-h", &home, "-s", shell, "-G", name];
    run(&user, &[&words[..], &[name]].concat())
}

/// Removes the account `name` and its group.
pub(super) fn remove(name: &str, groups: &Path) -> Result<(), ServiceError> {
    match (program("userdel"), program("deluser")) {
        (Some(program), _) | (None, Some(program)) => run(&program, &[name])?,
        (None, None) => return Err(ServiceError::NoAccountTool(name.to_owned())),
    }
    // Most programs remove the group of the same name with it.
    let is_left = fs::read_to_string(groups).is_ok_and(|list| {
        list.lines()
            .any(|line| line.split(':').next() == Some(name))
    });
    match (program("groupdel"), program("delgroup")) {
        (Some(program), _) | (None, Some(program)) if is_left => run(&program, &[name]),
        (Some(_), _) | (None, _) => Ok(()),
    }
}

/// Returns the program of the system called `name`.
pub(super) fn program(name: &str) -> Option<PathBuf> {
    let places = FOLDERS.iter().map(|folder| Path::new(folder).join(name));
    places.into_iter().find(|program| program.is_file())
}

/// Runs a program of the system, whose last words are the cause if it fails.
pub(super) fn run(program: &Path, words: &[&str]) -> Result<(), ServiceError> {
    let line = || format!("{} {}", program.display(), words.join(" "));
    let output = Command::new(program)
        .args(words)
        .env_clear()
        .env("PATH", FOLDERS.join(":"))
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .map_err(|source| ServiceError::System {
            doing: "start",
            path: program.to_path_buf(),
            source,
        })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().last().unwrap_or("it said nothing").trim();
    Err(ServiceError::Failed {
        line: line(),
        said: last.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("passwd");
        fs::write(
            &list,
            "aegis2:x:998:998::/:/bin/sh\naegis:x:997:996:Aegis:/var/lib/aegis:/usr/sbin/nologin\n",
        )
        .unwrap();
        let found = account_called(&list, "aegis").unwrap();
        assert_eq!((found.user, found.group), (997, 996));
        assert!(!found.lets_people_in());
        assert!(account_called(&list, "aegis2").unwrap().lets_people_in());
        assert_eq!(account_called(&list, "aegi"), None);
        assert_eq!(account_called(&folder.path().join("absent"), "aegis"), None);
    }

    #[test]
    fn only_plain_names_are_names_of_accounts() {
        for good in ["aegis", "_aegis", "aegis-2"] {
            check_name(good).unwrap();
        }
        for bad in [
            "",
            "root",
            "-x",
            "2x",
            "Aegis",
            "a b",
            "a:b",
            "a/b",
            &"a".repeat(32),
        ] {
            check_name(bad).unwrap_err();
        }
    }
}
