//! Rules on files: `Read(./.env)`, `Edit(/src/**)`.
//!
//! Paths are those of `.gitignore`: a name alone is one at any depth, and what
//! names a folder names all that lies in it.

use aegis_types::{Access, Verdict};

use super::form::{Form, refuse, tools};
use crate::matcher::{Matcher, PathPattern};
use crate::parse::Walker;
use crate::pattern::Glob;
use crate::problem::quoted;

/// Reads a rule on a path.
///
/// One that asks or denies is about every way to the path, commands of a shell
/// too; one that allows about the tools that read or edit files.
pub(super) fn matcher<'a>(
    walker: &mut Walker<'a>,
    form: &Form<'_, 'a>,
    about: &str,
) -> Option<Matcher> {
    const CHANGES: Access = Access {
        read: false,
        write: true,
        delete: true,
        execute: false,
    };
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
    let glob: Option<Vec<Glob>> = globs(walker, form, about)?
        .iter()
        .map(|it| walker.check_glob(form.node, "the path", it))
        .collect();
    let path = vec![PathPattern {
        glob: glob?,
        access,
    }];
    Some(Matcher {
        tool: tools(allowed),
        path,
        ..Matcher::default()
    })
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
    let (root, rest) = rooted(about, form.restricts());
    let (rest, is_folder) = match rest.strip_suffix('/') {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    if matches!(rest, "" | "*" | "**") {
        return Some(vec![format!("{root}**")]);
    }
    let steps: Vec<String> = rest.split('/').map(step).collect();
    let is_name =
        steps.len() == 1 && root == "./" && (form.restricts() || !about.starts_with("./"));
    let depth = if is_name { "**/" } else { "" };
    let path = format!("{root}{depth}{}", steps.join("/"));
    let inside = format!("{path}/**");
    Some(match (path.ends_with("/**"), is_folder, form.restricts()) {
        (true, _, _) => vec![path],
        (false, true, _) => vec![inside],
        (false, false, true) => vec![path, inside],
        (false, false, false) => vec![path],
    })
}

/// Returns where a path begins, and the rest of it.
///
/// Where the session began is not known, so a rule that asks or denies holds for
/// what lies so below any folder.
fn rooted(about: &str, restricts: bool) -> (&'static str, &str) {
    if let Some(rest) = about.strip_prefix("//") {
        ("/", rest)
    } else if about == "~" {
        ("~/", "")
    } else if let Some(rest) = about.strip_prefix("~/") {
        ("~/", rest)
    } else if let Some(rest) = about.strip_prefix('/') {
        (if restricts { "**/" } else { "./" }, rest)
    } else {
        ("./", about.strip_prefix("./").unwrap_or(about))
    }
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
