//! Rules on files: `Read(./.env)`, `Edit(/src/**)`.
//!
//! Paths are those of `.gitignore`: a name alone is one at any depth, and what
//! names a folder names all that lies in it.

use aegis_types::{Access, Verdict};

use super::form::{Form, refuse, tools};
use crate::matcher::{Matcher, PathPattern};
use crate::parse::Walker;
use crate::pattern::Glob;
use crate::problem::{ProblemCode, quoted};

const CHANGES: Access = Access {
    read: false,
    write: true,
    delete: true,
    execute: false,
};

/// Reads a rule on a path.
///
/// One that asks or denies is about every way to the path, commands of a shell
/// too; one that allows about the tools that read or edit files.
pub(super) fn matcher<'a>(
    walker: &mut Walker<'a>,
    form: &Form<'_, 'a>,
    about: &str,
) -> Option<Matcher> {
    let is_read = form.text.starts_with("Read");
    let (allowed, access): (&[&str], Access) = match (is_read, form.verdict) {
        (true, Verdict::Ask | Verdict::Deny) => (&[], Access::READ),
        (false, Verdict::Ask | Verdict::Deny) => (&[], CHANGES),
        (true, Verdict::Allow) => (
            &["Read", "NotebookRead", "Glob", "Grep", "LS"],
            Access::READ,
        ),
        (false, Verdict::Allow) => {
            if !form.text.starts_with("Edit") {
                let message = format!("{} allows nothing", quoted(form.text));
                let help =
                    "for the host a path in `Edit(…)` is about every tool that changes files";
                return refuse(walker, form, message, help, format!("Edit({about})"));
            }
            let access = Access::READ.or(Access::WRITE);
            (&["Edit", "MultiEdit", "Write", "NotebookEdit"], access)
        }
    };
    let globs = globs(walker, form, about)?;
    let glob: Option<Vec<Glob>> = globs
        .iter()
        .map(|it| walker.check_glob(form.node, "the path", it))
        .collect();
    let path = vec![PathPattern {
        glob: glob?,
        access,
    }];
    let root = ["./", "~/"]
        .into_iter()
        .find(|it| globs.iter().all(|glob| glob.starts_with(it)));
    let hidden = (!is_read && !form.restricts()).then(|| hidden(root.unwrap_or("/")));
    Some(Matcher {
        tool: tools(allowed),
        path,
        not: hidden.map(Box::new),
        ..Matcher::default()
    })
}

/// Returns what is about files below `root` that are hidden, or in a hidden
/// folder, where they are changed.
///
/// The host asks about many of these whatever its rules say: settings of shells
/// and editors, `.git`.
pub(super) fn hidden(root: &str) -> Matcher {
    let glob = ["**/.*", "**/.*/**"].map(|it| Glob(format!("{root}{it}").into()));
    let path = PathPattern {
        glob: glob.into(),
        access: CHANGES,
    };
    Matcher {
        path: vec![path],
        ..Matcher::default()
    }
}

/// Returns the globs of ours for a pattern.
fn globs<'a>(walker: &mut Walker<'a>, form: &Form<'_, 'a>, about: &str) -> Option<Vec<String>> {
    if about.starts_with('!') {
        let message = "the path begins with `!`, which would turn it round".to_owned();
        return refuse(
            walker,
            form,
            message,
            "write it in the other list",
            String::new(),
        );
    }
    if about.split('/').any(|step| step == "..") {
        let message = format!("{} leads above the folder that it begins in", quoted(about));
        return refuse(
            walker,
            form,
            message,
            "write the whole path: `//…` or `~/…`",
            String::new(),
        );
    }
    let Some((root, rest)) = rooted(about, form.restricts()) else {
        let message = format!("{} allows nothing here", quoted(form.text));
        walker
            .warn(ProblemCode::NoEffect, &form.node.span, message)
            .help("it begins where the host's session began or its settings lie, which is not known; write `//…`, `~/…` or `./…`");
        return None;
    };
    let (rest, is_folder) = match rest.strip_suffix('/') {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    if matches!(rest, "" | "*" | "**") {
        return Some(vec![format!("{root}**")]);
    }
    let rest = match form.restricts() {
        true => rest.trim_start_matches("**/"),
        false => rest,
    };
    let steps: Vec<String> = rest.split('/').map(step).collect();
    let depth = if steps.len() == 1 && root == "./" {
        "**/"
    } else {
        ""
    };
    let path = format!("{root}{depth}{}", steps.join("/"));
    let inside = format!("{path}/**");
    Some(match (path.ends_with("/**"), is_folder, form.restricts()) {
        (true, _, _) => vec![path],
        (false, true, _) => vec![inside],
        (false, false, true) => vec![path, inside],
        (false, false, false) => vec![path],
    })
}

/// Returns where a path begins, and the rest of it; nothing for an allow that
/// begins where nothing is known of.
///
/// A rule that asks or denies holds for what lies so below any folder, for the
/// same reason: where the session began is not known, and it may have moved.
fn rooted(about: &str, restricts: bool) -> Option<(&'static str, &str)> {
    Some(if let Some(rest) = about.strip_prefix("//") {
        ("/", rest)
    } else if about == "~" {
        ("~/", "")
    } else if let Some(rest) = about.strip_prefix("~/") {
        ("~/", rest)
    } else if restricts {
        let rest = about.strip_prefix('/').or_else(|| about.strip_prefix("./"));
        ("**/", rest.unwrap_or(about))
    } else if about.starts_with('/') {
        return None;
    } else {
        ("./", about.strip_prefix("./").unwrap_or(about))
    })
}

/// Returns a step of a path with what is special here and not there taken as
/// itself.
fn step(step: &str) -> String {
    let mut text = String::with_capacity(step.len());
    for letter in step.chars() {
        match letter {
            '{' | '}' | '!' if !text.ends_with('[') => text.extend(['\\', letter]),
            '*' if step != "**" && text.ends_with('*') => {}
            letter => text.push(letter),
        }
    }
    text
}
