//! Filters and searches that also change or remove what they are given.

use aegis_types::{Access, Command, RedirectionKind, Word, WordPart};

use super::{CHANGE, Extent, Listing, Touched, here, read};
use crate::hint::DatabaseWords;
use crate::locate::beneath;
use crate::option::{self, Spec, first_text, without_start};

/// Adds what such a program is given.
pub(super) fn touched(name: &str, command: &Command, list: &mut Vec<Touched>) {
    let arguments = command.arguments.as_slice();
    match name {
        "sed" | "gsed" => sed(arguments, list),
        "perl" | "ruby" => in_place_interpreter(arguments, list),
        "yq" => yq(arguments, list),
        "find" => find(command, list),
        "patch" => patch(command, list),
        "dd" => dd(arguments, list),
        "mount" => mount(arguments, list),
        "chmod" | "gchmod" => mode(arguments, closes, list),
        "chattr" => mode(arguments, freezes, list),
        "test" | "[" => {
            list.extend(
                arguments
                    .iter()
                    .filter(|word| !first_text(word).starts_with(['-', '=', '!', ']', '(', ')']))
                    .map(|word| Touched::new(word, Access::READ).possible()),
            );
        }
        _ => awk(arguments, list),
    }
}

fn sed(arguments: &[Word], list: &mut Vec<Touched>) {
    let read = read(arguments, "efl", &["expression", "file", "line-length"]);
    // `-i` may carry a suffix, so any letter after it is no option.
    let in_place = read.has(&["i", "in-place"]);
    let has_script = read.has(&["e", "expression", "f", "file"]);
    list.extend(read.values(&["f", "file"]).filter_map(code_file));
    let files = read.operands.iter().skip(usize::from(!has_script));
    let access = if in_place { CHANGE } else { Access::READ };
    list.extend(files.map(|word| Touched::new(word, access)));
}

/// Perl and ruby: `-i` edits the operands in place; a script reads or does anything.
fn in_place_interpreter(arguments: &[Word], list: &mut Vec<Touched>) {
    let spec = Spec {
        short: "eEIMm",
        long: &[],
        ends_at_operand: true,
    };
    let read = option::read(arguments, &spec);
    let has_code = read.has(&["e", "E"]);
    let in_place = read.has(&["i"]);
    let mut operands = read.operands.iter();
    if !has_code && let Some(script) = operands.next() {
        list.push(Touched::new(script, Access::READ.or(Access::EXECUTE)));
    }
    for word in operands {
        list.push(if in_place {
            Touched::new(word, CHANGE)
        } else if read.has(&["n", "p"]) {
            Touched::new(word, Access::READ)
        } else {
            Touched::new(word, Access::ANY).possible()
        });
    }
}

fn awk(arguments: &[Word], list: &mut Vec<Touched>) {
    let read = read(
        arguments,
        "fFvWieEl",
        &[
            "file",
            "field-separator",
            "assign",
            "include",
            "source",
            "exec",
            "load",
        ],
    );
    let has_program = read.has(&["f", "file", "e", "source", "E", "exec"]);
    let in_place = read
        .values(&["i", "include"])
        .any(|word| word.literal().as_deref() == Some("inplace"));
    list.extend(
        read.values(&["f", "file", "E", "exec"])
            .filter_map(code_file),
    );
    let included = read.values(&["i", "include", "l", "load"]);
    let included = included.filter(|word| word.literal().as_deref() != Some("inplace"));
    list.extend(included.filter_map(code_file));
    list.extend(
        read.values(&["dump-variables", "pretty-print", "profile"])
            .map(|word| Touched::new(word, Access::WRITE)),
    );
    // The value of these stands in the same word, if at all.
    for word in arguments {
        let is_written = ["-d", "-o", "-p"].contains(&first_text(word).get(..2).unwrap_or(""));
        if is_written && first_text(word).len() > 2 {
            list.push(Touched::new(&without_start(word, 2), Access::WRITE));
        }
    }
    let files = read.operands.iter().skip(usize::from(!has_program));
    let access = if in_place { CHANGE } else { Access::READ };
    list.extend(files.map(|word| Touched::new(word, access)));
}

/// Returns that a file of code is read and run, unless it is what the program reads anyway.
fn code_file(word: &Word) -> Option<Touched> {
    let is_input = matches!(word.literal().as_deref(), Some("-" | "/dev/stdin"));
    (!is_input).then(|| Touched::new(word, Access::READ.or(Access::EXECUTE)))
}

fn yq(arguments: &[Word], list: &mut Vec<Touched>) {
    let read = read(
        arguments,
        "opIs",
        &[
            "output-format",
            "input-format",
            "indent",
            "from-file",
            "split-exp",
        ],
    );
    let in_place = read.has(&["i", "inplace", "in-place"]);
    let access = if in_place { CHANGE } else { Access::READ };
    // The expression may be left out, so each operand may be a file.
    list.extend(read.operands.iter().map(|word| Touched::new(word, access)));
}

/// `find` lists its folders; tests may leave some of what lies beneath alone.
fn find(command: &Command, list: &mut Vec<Touched>) {
    let mut words = command.arguments.iter();
    let mut folders: Vec<Word> = Vec::new();
    let mut deletes = false;
    let mut selects = false;
    let mut previous = String::new();
    for word in words.by_ref() {
        let text = first_text(word);
        if text.starts_with(['-', '(', '!']) {
            if !matches!(text, "-H" | "-L" | "-P" | "-O1" | "-O2" | "-O3") {
                selects |= text != "-delete" && text != "-depth";
                deletes |= text == "-delete";
                text.clone_into(&mut previous);
                break;
            }
        } else {
            folders.push(word.clone());
        }
    }
    for word in words {
        let text = first_text(word);
        deletes |= text == "-delete";
        selects |= text != "-delete" && text != "-depth";
        if previous.starts_with("-fprint") || previous == "-fls" {
            list.push(Touched::new(word, Access::WRITE));
        }
        text.clone_into(&mut previous);
    }
    if folders.is_empty() {
        folders.push(here(command));
    }
    for folder in &folders {
        list.push(Touched::new(folder, Access::READ).beneath(true));
        // What is empty is nothing that could be lost.
        if deletes && !is_about_empty(command) {
            let deleted = Touched::new(folder, Access::DELETE).beneath(true);
            list.push(if selects { deleted.possible() } else { deleted });
        }
    }
}

/// Returns whether `find` finds nothing but what is empty.
fn is_about_empty(command: &Command) -> bool {
    let texts: Vec<&str> = command.arguments.iter().map(first_text).collect();
    let joins = |text: &&str| matches!(*text, "-o" | "-or" | "," | "!" | "-not" | "(");
    let (last, empty) = (
        texts.iter().position(|text| *text == "-delete"),
        texts.iter().position(|text| *text == "-empty"),
    );
    empty.is_some() && empty < last && !texts.iter().any(joins)
}

/// A mode may look like an option: `chmod -x file`, `chattr -i file`.
fn mode(arguments: &[Word], seals: fn(&str) -> bool, list: &mut Vec<Touched>) {
    let mut recursive = false;
    let mut has_mode = false;
    let mut files = Vec::new();
    let mut sealing = false;
    for word in arguments {
        let text = first_text(word);
        if let Some(file) = text.strip_prefix("--reference=") {
            list.push(Touched::new(
                &without_start(word, text.len() - file.len()),
                Access::READ,
            ));
            has_mode = true;
        } else if text.starts_with("--") {
            recursive |= text == "--recursive";
        } else if text.starts_with(['-', '+', '=']) {
            recursive |= text.starts_with('-') && text.contains('R');
            let only_options = text
                .chars()
                .skip(1)
                .all(|letter| "RcfvVpd".contains(letter));
            has_mode |= !only_options;
            sealing |= !only_options && seals(text);
        } else {
            files.push(word);
        }
    }
    let mut files = files.into_iter();
    if !has_mode && let Some(word) = files.next() {
        sealing |= word.literal().is_none_or(|text| seals(&text));
    }
    let extent = if sealing {
        Extent::Sealed
    } else {
        Extent::Said
    };
    list.extend(files.map(|word| {
        let touched = Touched::new(word, Access::WRITE).beneath(recursive);
        touched.over(extent.clone())
    }));
}

/// Returns whether a mode takes from the owner of a folder what is needed to enter and list it.
fn closes(mode: &str) -> bool {
    let plain = mode.strip_prefix(['=', '+', '-']).unwrap_or(mode);
    if !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_digit()) {
        let owner = plain
            .len()
            .checked_sub(3)
            .and_then(|at| plain.as_bytes().get(at));
        let keeps = owner.is_some_and(|digit| digit & 0b101 == 0b101);
        return !(keeps || mode.starts_with('+'));
    }
    mode.split(',').any(|clause| {
        let Some(at) = clause.find(['+', '-', '=']) else {
            return true;
        };
        let (who, change) = clause.split_at(at);
        let is_owner = who.is_empty() || who.contains(['u', 'a']);
        let has = |letter: char| change.contains(letter);
        let takes = match change.chars().next() {
            Some('-') => has('r') || has('x') || has('u') || has('g') || has('o'),
            Some('=') => !has('r') || !(has('x') || has('X')),
            _ => false,
        };
        is_owner && takes
    })
}

/// Returns whether attributes keep a folder from being changed.
fn freezes(attributes: &str) -> bool {
    !attributes.starts_with('-')
}

/// A database is changed; what its commands name beside it, their text shows.
pub(super) fn database(arguments: &[Word], list: &mut Vec<Touched>) {
    let words = DatabaseWords::of(arguments);
    let access = if words.only_reads {
        Access::READ
    } else {
        CHANGE
    };
    list.extend(words.script.map(|file| Touched::new(file, Access::READ)));
    let file = words
        .file
        .map(|word| match first_text(word).strip_prefix("file:") {
            Some(rest) => uri_path(&without_start(word, first_text(word).len() - rest.len())),
            None => word.clone(),
        });
    list.extend(file.map(|file| Touched::new(&file, access)));
}

/// Returns the path in what follows `file:`.
fn uri_path(word: &Word) -> Word {
    let text = first_text(word);
    let host = match text.strip_prefix("//") {
        Some(after) => 2 + after.find('/').unwrap_or(after.len()),
        None => 0,
    };
    let mut path = without_start(word, host);
    if let Some(WordPart::Literal(last)) = path.parts.last_mut()
        && let Some(end) = last.find('?')
    {
        last.truncate(end);
    }
    path
}

/// A patch names the files it changes, so any file beneath the folder may change.
fn patch(command: &Command, list: &mut Vec<Touched>) {
    let read = read(
        &command.arguments,
        "idorpBDFgVYz",
        &[
            "input",
            "directory",
            "output",
            "reject-file",
            "strip",
            "prefix",
            "fuzz",
            "suffix",
        ],
    );
    let folder = read.values(&["d", "directory"]).last().cloned();
    let folder = folder.unwrap_or_else(|| here(command));
    let mut operands = read.operands.iter();
    list.extend(
        read.values(&["i", "input"])
            .map(|word| Touched::new(word, Access::READ)),
    );
    list.extend(
        read.values(&["o", "output", "r", "reject-file"])
            .map(|word| Touched::new(&beneath(&folder, word), Access::WRITE)),
    );
    match operands.next() {
        Some(file) => list.push(Touched::new(&beneath(&folder, file), CHANGE)),
        None => {
            let files = read.values(&["i", "input"]).cloned().collect();
            list.push(Touched::listed(&folder, Listing::Patches(files)));
        }
    }
    list.extend(operands.map(|word| Touched::new(word, Access::READ)));
    for file in patched_files(command) {
        let file = super::word_at(&folder, &file);
        list.push(Touched::new(&beneath(&folder, &file), CHANGE).possible());
    }
}

/// Returns the files that a patch in a here-document names.
pub(super) fn patched_files(command: &Command) -> Vec<String> {
    let mut files = Vec::new();
    let texts = command
        .redirections
        .iter()
        .filter(|redirection| redirection.kind == RedirectionKind::Text)
        .filter_map(|redirection| redirection.target.literal());
    for text in texts {
        for line in text.lines() {
            let name = ["--- ", "+++ ", "rename to ", "Index: "]
                .iter()
                .find_map(|start| line.strip_prefix(start));
            let Some(name) = name.and_then(|name| name.split('\t').next()) else {
                continue;
            };
            files.push(name.to_owned());
            // The first component is usually stripped.
            if let Some((_, rest)) = name.split_once('/') {
                files.push(rest.to_owned());
            }
        }
    }
    files.truncate(64);
    files
}

fn dd(arguments: &[Word], list: &mut Vec<Touched>) {
    for word in arguments {
        let access = match first_text(word).split_once('=') {
            Some(("of", _)) => Access::WRITE,
            Some(("if", _)) => Access::READ,
            _ => continue,
        };
        list.push(Touched::new(&without_start(word, 3), access));
    }
}

/// A bind mount gives a folder another name, under which it can be written.
fn mount(arguments: &[Word], list: &mut Vec<Touched>) {
    let read = read(arguments, "toLU", &["types", "options", "source", "target"]);
    let named = read.values(&["source", "target"]);
    list.extend(named.map(|word| Touched::new(word, Access::WRITE).beneath(true)));
    for word in &read.operands {
        list.push(Touched::new(word, Access::WRITE).beneath(true));
    }
}
