//! What a command line touches.

use std::path::{Path, PathBuf};

use aegis_shell::{Extent, Touched, hints, located, loose_words, program_name, touched};
use aegis_types::{
    Access, Command, Condition, Directory, Plan, RedirectionKind, Span, UnknownCause, Word,
    WordPart,
};

use super::near::{self, Material};
use super::resolve::{Found, Last};
use super::spelling::path_forms;
use super::touches::{Reached, Touches};
use super::word::{Shape, shape};
use super::{find, git, glob, held, links, listed, rights};
use crate::protected::{Reach, Relation};
use crate::surroundings::Surroundings;
use aegis_shell::written;

/// A command line with what surrounds it.
pub(crate) struct Line<'a> {
    pub(crate) text: &'a str,
    pub(crate) plan: &'a Plan,
    pub(crate) surroundings: &'a Surroundings,
    /// Whether it is sure that a shell gets this text.
    pub(crate) is_certain: bool,
}

/// Programs that show names and attributes, and no content.
const LISTING: [&str; 9] = [
    "ls", "tree", "du", "stat", "find", "test", "[", "realpath", "readlink",
];

/// Adds what a command line touches; returns what each of its commands does.
pub(crate) fn touch_line(line: &Line<'_>, touches: &mut Touches<'_>) -> Vec<Vec<Touched>> {
    let moved = |command: &Command| matches!(command.directory, Directory::Moved(_));
    touches.has_moves = line.plan.commands.iter().any(moved);
    for command in &line.plan.commands {
        for link in links::planned(line, command, touches) {
            touches.resolver.plan(link);
        }
    }
    let touched: Vec<Vec<Touched>> = line.plan.commands.iter().map(touched).collect();
    for (command, items) in line.plan.commands.iter().zip(&touched) {
        touches.cause = Some(command.span);
        touch_command(line, command, items, touches);
    }
    touches.cause = None;
    find::touch(line, touches);
    come_near(line, &touched, touches);
    touched
}

/// Returns the path a word of a command stands for, if that is one path.
pub(crate) fn path_of(
    line: &Line<'_>,
    command: &Command,
    word: &Word,
    touches: &Touches<'_>,
) -> Option<PathBuf> {
    let word = located(command, word)?;
    match shape(&word, line.surroundings, touches.base).shape {
        Shape::Path(text) if !text.is_empty() => Some(PathBuf::from(text)),
        Shape::Path(_) | Shape::Pattern(_) | Shape::Gap { .. } => None,
    }
}

/// Returns the part of the text in which a command stands.
pub(crate) fn text_of<'t>(line: &Line<'t>, command: &Command) -> &'t str {
    let start = usize::try_from(command.span.start).unwrap_or(0);
    let end = usize::try_from(command.span.end).unwrap_or(usize::MAX);
    line.text.get(start..end).unwrap_or(line.text)
}

/// Returns the real working directory of a command, if that can be told.
pub(crate) fn directory_of(
    line: &Line<'_>,
    command: &Command,
    touches: &Touches<'_>,
) -> Option<PathBuf> {
    match &command.directory {
        Directory::Start => return Some(touches.base.to_path_buf()),
        Directory::Moved(_) => {}
        Directory::Unknown => return None,
    }
    let dot = Word {
        parts: vec![WordPart::Literal(".".to_owned())],
        ..Word::default()
    };
    let word = located(command, &dot)?;
    match shape(&word, line.surroundings, touches.base).shape {
        Shape::Path(text) => touches
            .resolver
            .follow(touches.base, Path::new(&text), Last::Followed)
            .map(|found| found.path),
        Shape::Pattern(_) | Shape::Gap { .. } => None,
    }
}

/// Returns whether a command runs only where each `cd` before it has moved to.
fn has_moved_for_sure(commands: &[Command], command: &Command) -> bool {
    let place = commands.iter().position(|it| std::ptr::eq(it, command));
    let mut after = command;
    for before in commands.iter().take(place.unwrap_or(0)).rev() {
        if after.directory == Directory::Start {
            break;
        }
        if after.place.condition != Condition::AfterSuccess || before.through != after.through {
            return false;
        }
        after = before;
    }
    after.directory == Directory::Start
}

fn touch_command(line: &Line<'_>, command: &Command, items: &[Touched], touches: &mut Touches<'_>) {
    let through = text_of(line, command);
    let is_git = program_name(command).as_deref() == Some("git");
    // Where a `cd` leads nowhere, the command may run where the text starts.
    let stays = !has_moved_for_sure(&line.plan.commands, command)
        && directory_of(line, command, touches)
            .is_none_or(|folder| !folder.is_dir() || touches.is_lost(&folder));
    let unmoved = stays.then(|| Command {
        directory: Directory::Start,
        ..command.clone()
    });
    for item in items {
        let unsure = (!line.is_certain || unmoved.is_some()).then(|| Touched {
            certain: false,
            ..item.clone()
        });
        let item = match &unsure {
            Some(unsure) if !line.is_certain => unsure,
            Some(_) | None => item,
        };
        touches.cause = Some(cause(command, item));
        if is_git && git::touch(line, command, item, touches)
            || sets_rights_again(line, command, item, touches)
        {
            continue;
        }
        touch_word(line, command, item, through, touches);
        if let (Some(unmoved), Some(unsure)) = (&unmoved, &unsure) {
            touch_word(line, unmoved, unsure, through, touches);
        }
    }
    touches.cause = Some(command.span);
    links::touch_sources(line, command, touches);
    links::touch_into_folder(line, command, touches);
}

/// Adds a folder of which the rights are set as they are already; returns
/// whether it is one.
fn sets_rights_again(
    line: &Line<'_>,
    command: &Command,
    item: &Touched,
    touches: &mut Touches<'_>,
) -> bool {
    let Some(path) = path_of(line, command, &item.word, touches).filter(|_| line.is_certain) else {
        return false;
    };
    let found = touches.resolver.follow(touches.base, &path, Last::Followed);
    let is_kept = found
        .is_some_and(|found| rights::keeps_all(line, command, item, &found, touches.protected));
    if is_kept {
        touches.add_fact_only(&path, &written(&item.word), item.access);
    }
    is_kept
}

/// Returns the words that make a command reach for something: the word that
/// names it, or the whole command where its text names none.
fn cause(command: &Command, item: &Touched) -> Span {
    let span = item.word.span;
    if span.length() > 0 {
        span
    } else {
        command.span
    }
}

/// Adds what a word with a gap between `before` and `after` may lead to.
fn touch_gap(
    item: &Touched,
    (before, after, is_below): (&str, &str, bool),
    through: &str,
    touches: &mut Touches<'_>,
) {
    let own = written(&item.word);
    // What `find` finds lies below the folder in which it looks.
    let climbs = after.split('/').any(|step| step == "..");
    if is_below && !before.is_empty() && !climbs {
        let below = Path::new(before).join("…");
        let name = after.trim_start_matches('/');
        touches.add_fact_only(&below.join(name), &own, item.access);
        // A name that is nothing but the ending has it too.
        if let Some(ending) = name.strip_prefix('*') {
            touches.add_fact_only(&below.join(ending), &own, item.access);
        }
    } else {
        touches.add_unresolved(&own, item.access);
        // What is known of it may mean enough, such as a folder of keys.
        if !before.is_empty() {
            let known = format!("{before}…{after}");
            touches.add_fact_only(Path::new(&known), &own, item.access);
        }
        // Whatever is read of a folder is read of the folder.
        if item.access == Access::READ && before.len() > 1 && before.ends_with('/') {
            touches.add_fact_only(Path::new(before), &own, item.access);
        }
    }
    if item.access.changes() {
        gap_comes_near(before, after, through, touches);
    }
}

/// Returns how a command reaches for what one of its words leads to.
fn reach_of(command: &Command, item: &Touched) -> Reach {
    // A link reaches nothing below what it leads to by being made.
    let is_link = matches!(
        program_name(command).as_deref(),
        Some("ln" | "link" | "gln")
    );
    let is_deep = item.extent == Extent::Sealed || item.recursive && item.certain && !is_link;
    Reach {
        sees_hidden: item.extent != Extent::Visible,
        ..Reach::certain(item.access)
            .if_certain(item.certain)
            .deep(is_deep)
    }
}

/// Adds what one word of a command leads to.
pub(crate) fn touch_word(
    line: &Line<'_>,
    command: &Command,
    item: &Touched,
    through: &str,
    touches: &mut Touches<'_>,
) {
    let own = written(&item.word);
    let Some(word) = located(command, &item.word) else {
        touches.add_unresolved(&own, item.access);
        if item.access.changes() {
            let object = near::by_last_steps(touches.protected, &own);
            touches.come_near(object, through);
        }
        return;
    };
    let shaped = shape(&word, line.surroundings, touches.base);
    let is_sealed = item.extent == Extent::Sealed;
    let reach = reach_of(command, item);
    let only_lists = item.access == Access::READ
        && program_name(command).is_some_and(|name| LISTING.contains(&&*name));
    let reached = |path: &Path, is_unknown: bool, touches: &mut Touches<'_>| {
        if only_lists {
            touches.add_listed(path, &own, item.access);
            return;
        }
        touches.reach(&Reached {
            path,
            written: &own,
            reach,
            is_unknown: is_unknown || shaped.is_assumed,
            through,
        });
        held::touch(line.surroundings, command, item, path, touches);
        match &item.extent {
            Extent::Said | Extent::Sealed | Extent::Visible => {}
            Extent::Handed => touches.hand(path, item.access, through),
            Extent::Listed(listing) => {
                listed::touch(line, command, item, (path, listing), touches);
            }
        }
        if is_sealed || item.certain && item.access.delete {
            touches.lose(path);
        }
    };
    match &shaped.shape {
        Shape::Path(text) if text.is_empty() => {}
        Shape::Path(text) => reached(Path::new(text), false, touches),
        Shape::Pattern(pattern) => {
            for (path, is_unknown) in expanded(line, item, pattern, touches) {
                reached(&path, is_unknown, touches);
            }
        }
        Shape::Gap {
            before,
            after,
            is_below,
        } => {
            let gap = (before.as_str(), after.as_str(), *is_below);
            touch_gap(item, gap, through, touches);
        }
    }
}

/// Returns the paths that a pattern stands for, and whether it may stand for others.
fn expanded(
    line: &Line<'_>,
    item: &Touched,
    pattern: &str,
    touches: &mut Touches<'_>,
) -> Vec<(PathBuf, bool)> {
    let dots = sees_dots(line.plan);
    let expansion = glob::expand(touches.base, pattern, dots, &mut touches.globs);
    if expansion.is_cut {
        touches.add_unresolved(&written(&item.word), item.access);
    }
    if expansion.paths.is_empty() {
        // A pattern that matches nothing stands for itself.
        return vec![(PathBuf::from(pattern.replace('\\', "")), true)];
    }
    let is_known = |path| (path, false);
    expansion.paths.into_iter().map(is_known).collect()
}

/// Returns whether `*` matches names that begin with a dot, as after `shopt -s dotglob`.
fn sees_dots(plan: &Plan) -> bool {
    plan.commands.iter().any(|command| {
        // Whatever it ignores, bash then matches dots too.
        let mut assigned = command.assignments.iter();
        if assigned.any(|assignment| assignment.name == "GLOBIGNORE") {
            return true;
        }
        matches!(
            program_name(command).as_deref(),
            Some("shopt" | "set" | "setopt" | "bash" | "zsh")
        ) && command
            .arguments
            .iter()
            .any(|word| matches!(word.literal().as_deref(), Some("dotglob" | "globdots")))
    })
}

/// Notes what a word with a gap may be.
fn gap_comes_near(before: &str, after: &str, through: &str, touches: &mut Touches<'_>) {
    let whole = touches
        .resolver
        .follow(touches.base, Path::new(before), Last::Followed)
        .filter(|_| !before.is_empty() && !before.ends_with('/'));
    if let Some(found) = whole {
        // What follows the gap may be a path within: `.aegis$REST`.
        found_comes_near(&found, through, touches);
    }
    if let Some((folder, start)) = before.rsplit_once('/') {
        let folder = if folder.is_empty() { "/" } else { folder };
        let found = touches
            .resolver
            .follow(touches.base, Path::new(folder), Last::Followed);
        if let Some(found) = found {
            let object = near::by_start(touches.protected, &found.path, start);
            touches.come_near(object, through);
        }
    }
    let object = near::by_end(touches.protected, after);
    touches.come_near(object, through);
}

/// Notes what the dark parts of a command line come near, each of whose commands
/// touches what `touched` says.
fn come_near(line: &Line<'_>, touched: &[Vec<Touched>], touches: &mut Touches<'_>) {
    let mut printed = Material::default();
    for command in &line.plan.commands {
        add_printed(command, &mut printed);
    }
    for (command, items) in line.plan.commands.iter().zip(touched) {
        let shown = hints(command);
        let is_dark = changes_untold(command, items) || is_dark(command, !shown.is_empty(), line);
        if shown.is_empty() && !is_dark {
            continue;
        }
        let directory = directory_of(line, command, touches);
        let through = text_of(line, command);
        if let Some(directory) = &directory {
            for hint in &shown {
                hint_comes_near(hint, directory, line.surroundings, through, touches);
            }
            for word in upstream(line, command).filter(|_| is_dark) {
                hint_comes_near(&word, directory, line.surroundings, through, touches);
            }
            if is_dark {
                directory_comes_near(directory, through, touches);
            }
        }
        if is_dark {
            let mut material = printed.clone();
            for hint in &shown {
                material.add(hint);
            }
            let object = near::by_material(touches.protected, &material);
            touches.come_near(object, through);
        }
    }
    let has = |is_it: fn(&UnknownCause) -> bool| {
        let mut unknowns = line.plan.unknowns.iter();
        unknowns.any(|unknown| is_it(&unknown.cause))
    };
    if has(|cause| *cause == UnknownCause::TooComplex) {
        // Whatever comes after may move anywhere and do anything.
        touches.cut(line.text);
    } else if has(|cause| matches!(cause, UnknownCause::Syntax | UnknownCause::Construct(_))) {
        unread_comes_near(line, touches);
    }
}

/// How many words before it in a pipeline one command is compared with.
const UPSTREAM_MAX: usize = 64;

/// Returns the words of the commands whose output a command takes for names of files.
fn upstream<'a>(line: &'a Line<'_>, command: &'a Command) -> impl Iterator<Item = String> + 'a {
    let place = command.place;
    let takes_output = |word: &Word| {
        let is_output = |part: &WordPart| {
            matches!(
                part,
                WordPart::Unknown(UnknownCause::Output | UnknownCause::Found)
            )
        };
        word.parts.iter().any(is_output)
    };
    let is_given = place.position > 0 && command.arguments.iter().any(takes_output);
    line.plan
        .commands
        .iter()
        .filter(move |other| {
            is_given
                && other.place.pipeline == place.pipeline
                && other.place.position < place.position
        })
        .flat_map(|other| other.arguments.iter().filter_map(Word::literal))
        .filter(|word| !word.starts_with('-'))
        .take(UPSTREAM_MAX)
}

/// Adds the words out of which a later part could be put together.
fn add_printed(command: &Command, material: &mut Material) {
    for assignment in &command.assignments {
        let value = written(&assignment.value);
        material.add(&value);
        for word in loose_words(&value) {
            material.add(&word);
        }
    }
    for redirection in &command.redirections {
        if redirection.kind == RedirectionKind::Text {
            for word in loose_words(&written(&redirection.target)) {
                material.add(&word);
            }
        }
    }
    let prints = matches!(
        program_name(command).as_deref(),
        Some("echo" | "printf" | "export" | "declare" | "local" | "read")
    );
    // Where a `cd` may have led that may not have happened, only its words show.
    let may_move = command.place.condition == Condition::Branch
        && matches!(program_name(command).as_deref(), Some("cd" | "pushd"));
    if prints || may_move {
        for word in &command.arguments {
            for piece in loose_words(&written(word)) {
                material.add(&piece);
            }
        }
    }
}

/// Returns whether a command may change something that its words do not name.
fn changes_untold(command: &Command, items: &[Touched]) -> bool {
    let is_untold = |word: &Word| word.is_open() || located(command, word).is_none();
    items
        .iter()
        .any(|item| item.access.changes() && is_untold(&item.word))
}

/// Returns whether a command runs something that its words do not show.
fn is_dark(command: &Command, has_code: bool, line: &Line<'_>) -> bool {
    let is_noted = line.plan.unknowns.iter().any(|unknown| {
        let within =
            unknown.span.start >= command.span.start && unknown.span.end <= command.span.end;
        within && runs_unseen(&unknown.cause)
    });
    has_code && !is_filter(command) || is_noted
}

/// Returns whether a program only turns its input into output, as far as its code shows.
fn is_filter(command: &Command) -> bool {
    matches!(
        program_name(command).as_deref(),
        Some("sed" | "gsed" | "awk" | "gawk" | "mawk" | "nawk")
    )
}

const fn runs_unseen(cause: &UnknownCause) -> bool {
    match cause {
        UnknownCause::Code(_)
        | UnknownCause::Program
        | UnknownCause::Syntax
        | UnknownCause::TooComplex
        | UnknownCause::Construct(_) => true,
        UnknownCause::Variable(_)
        | UnknownCause::Output
        | UnknownCause::Found
        | UnknownCause::Branch
        | UnknownCause::Settings
        | UnknownCause::Arithmetic
        | UnknownCause::Expansion => false,
    }
}

/// Notes that a word which dark code shows leads to an object.
fn hint_comes_near(
    hint: &str,
    directory: &Path,
    surroundings: &Surroundings,
    through: &str,
    touches: &mut Touches<'_>,
) {
    if hint.len() > 4_096 || hint.contains(['\n', '\0']) {
        return;
    }
    let forms = if hint.starts_with("file:") {
        path_forms(hint)
    } else {
        vec![hint.to_owned()]
    };
    let last = forms.last().map_or(hint, String::as_str);
    let path = match last.strip_prefix("~/") {
        Some(rest) => surroundings.home.join(rest),
        None => PathBuf::from(last),
    };
    if let Some(found) = touches.resolver.follow(directory, &path, Last::Followed) {
        found_comes_near(&found, through, touches);
    }
}

fn found_comes_near(found: &Found, through: &str, touches: &mut Touches<'_>) {
    let object = match touches.protected.relation(found) {
        Some(Relation::In(object)) => Some(object),
        Some(Relation::Home(object)) if object.home() != touches.base => Some(object),
        Some(Relation::Home(_) | Relation::Above(_)) | None => None,
    };
    touches.come_near(object, through);
}

fn directory_comes_near(directory: &Path, through: &str, touches: &mut Touches<'_>) {
    let found = touches
        .resolver
        .follow(touches.base, directory, Last::Followed);
    if let Some(found) = found
        && let Some(Relation::In(object)) = touches.protected.relation(&found)
    {
        touches.come_near(Some(object), through);
    }
}

/// Notes what a text that cannot be read comes near.
fn unread_comes_near(line: &Line<'_>, touches: &mut Touches<'_>) {
    let mut material = Material::default();
    for word in loose_words(line.text) {
        material.add(&word);
        let base = touches.base.to_path_buf();
        hint_comes_near(&word, &base, line.surroundings, line.text, touches);
    }
    let object = near::by_material(touches.protected, &material);
    touches.come_near(object, line.text);
}
