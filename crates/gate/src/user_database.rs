//! What the machine's list of users says of the one who runs this process.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

/// The list of users.
const USERS: &str = "/etc/passwd";

/// The list of groups.
const GROUPS: &str = "/etc/group";

/// How much of a list is read, in bytes: tens of thousands of users.
const USERS_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Returns the home directory that the list of users gives the owner of this process.
///
/// The file is read here and not by the C library: asking that library needs
/// unsafe code, or one more package in the program that starts before every
/// call, and may ask servers on the network. A user whom only such a server
/// knows has no home directory here and must set `HOME`.
pub(crate) fn home() -> Option<PathBuf> {
    home_of(rustix::process::geteuid().as_raw())
}

/// Returns the home directory that the list of users gives `user`.
pub(crate) fn home_of(user: u32) -> Option<PathBuf> {
    home_in(&list(USERS)?, user)
}

/// Returns the number that the list of users gives the one called `name`.
pub(crate) fn number_of(name: &str) -> Option<u32> {
    number_in(&list(USERS)?, name)
}

/// Returns the number that the list of groups gives the one called `name`.
pub(crate) fn group_of(name: &str) -> Option<u32> {
    number_in(&list(GROUPS)?, name)
}

fn list(path: &str) -> Option<Vec<u8>> {
    let mut list = Vec::new();
    let file = File::open(path).ok()?;
    file.take(USERS_BYTES_MAX).read_to_end(&mut list).ok()?;
    Some(list)
}

/// Returns the number of the user or the group called `name` in the text of a list.
fn number_in(list: &[u8], name: &str) -> Option<u32> {
    list.split(|byte| *byte == b'\n').find_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        let is_theirs = fields.next() == Some(name.as_bytes()) && !name.is_empty();
        let number = std::str::from_utf8(fields.nth(1)?).ok()?.parse().ok()?;
        is_theirs.then_some(number)
    })
}

/// Returns the home directory of `user` in the text of a list.
fn home_in(list: &[u8], user: u32) -> Option<PathBuf> {
    let user = user.to_string();
    list.split(|byte| *byte == b'\n').find_map(|line| {
        let mut fields = line.split(|byte| *byte == b':').skip(2);
        let is_theirs = fields.next() == Some(user.as_bytes());
        // Between the number of the user and the folder stand a group and a name.
        let home = PathBuf::from(OsStr::from_bytes(fields.nth(2)?));
        // The shell follows; a line that ends before it may have been cut off.
        let is_whole = fields.next().is_some();
        (is_theirs && is_whole && home.is_absolute()).then_some(home)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "# users\nroot:x:0:0:root:/root:/bin/sh\n\nada:x:1000:1000:A. L.,,,:/home/ada:\n\
        relative:x:7:7::home:/bin/sh\nshort:x:8:8::/home/short\ncut:x:9:9";

    #[test]
    fn the_list_gives_each_user_their_own_home_directory() {
        let home = |user| home_in(LIST.as_bytes(), user);
        assert_eq!(home(0), Some(PathBuf::from("/root")));
        assert_eq!(home(1000), Some(PathBuf::from("/home/ada")));
    }

    #[test]
    fn the_list_gives_each_name_its_number() {
        let number = |name| number_in(LIST.as_bytes(), name);
        assert_eq!(number("ada"), Some(1000));
        assert_eq!(number("root"), Some(0));
        assert_eq!(
            (number("nobody-here"), number(""), number("# users")),
            (None, None, None)
        );
    }

    #[test]
    fn a_user_who_is_not_listed_or_whose_line_is_damaged_has_none() {
        for user in [1, 7, 8, 9, 100] {
            assert_eq!(home_in(LIST.as_bytes(), user), None, "{user}");
        }
        assert_eq!(home_in(b"", 0), None);
    }
}
