//! The files that the text of a patch names.

/// What a line begins with that names a file, in the form that agents write.
const HEADERS: [&str; 4] = [
    "*** Update File: ",
    "*** Add File: ",
    "*** Delete File: ",
    "*** Move to: ",
];

/// Returns the files that a patch changes, if a text is one.
pub(crate) fn files(text: &str) -> Vec<&str> {
    if !text.contains("*** ") {
        return Vec::new();
    }
    let named = text.lines().filter_map(|line| {
        let mut headers = HEADERS.iter();
        headers.find_map(|header| line.trim_start().strip_prefix(header))
    });
    named
        .map(str::trim)
        .filter(|path| !path.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_names_every_file_that_it_changes() {
        let patch = "*** Begin Patch\n*** Update File: a b\n*** Move to: c\n@@\n-x\n*** Add File: d\n+*** e\n*** End Patch";
        assert_eq!(files(patch), ["a b", "c", "d"]);
        assert!(files("*** note ***").is_empty());
    }
}
