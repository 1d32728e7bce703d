//! Rules on the commands of a command line.

use aegis_shell::ProgramOptions;
use aegis_types::{HostFact, PathFact};
use serde_json::{Map, Value, json};

use super::{
    CannotNarrow, NarrowExample, NarrowRule, Widening, hosts_about, id, literal, one_or_many,
    paths_about,
};
use crate::holds::{Facts, Line, Program, base_name};

/// Returns the narrowest rule that allows a part of a command line.
pub(super) fn narrowest(
    facts: &Facts<'_>,
    part: usize,
    wider: Widening,
) -> Result<NarrowRule, CannotNarrow> {
    if facts.is_partial_in(part) {
        return Err(CannotNarrow::Unknown);
    }
    let tool = &*facts.request().tool;
    let lines: Vec<&Line<'_>> = facts.lines_of(part).collect();
    let commands = lines.iter().map(|line| command(line, wider));
    let commands = commands.collect::<Result<Vec<Value>, CannotNarrow>>()?;
    let paths: Vec<&PathFact> = facts.paths_of(part).collect();
    let hosts: Vec<&HostFact> = facts.hosts_of(part).collect();
    let name = lines.first().map_or("", |line| name(line));
    let first = lines
        .first()
        .and_then(|line| line.command.arguments.first());
    let first = first
        .and_then(aegis_types::Word::literal)
        .unwrap_or_default();
    let mut about = vec![("tool", json!(tool))];
    about.extend(one_or_many(commands).map(|it| ("shell", it)));
    about.extend(paths_about(facts, &paths, wider)?.map(|it| ("path", it)));
    // Where a name in the words leads, such as that of a remote, is not known; the
    // words name it all the same.
    if hosts.iter().all(|fact| fact.host.is_some()) {
        about.extend(hosts_about(&hosts, wider)?.map(|it| ("host", it)));
    }
    let text = facts.request().params.get("command");
    let text = text.and_then(Value::as_str).unwrap_or_default();
    let (matches, misses) = examples(text, &lines, facts.part_count() == 1);
    let shown = |lines: Vec<String>| {
        let examples = lines.iter().map(|line| NarrowExample::shell(tool, line));
        examples.collect()
    };
    Ok(NarrowRule {
        id: id(&[name, &first]),
        about,
        matches: shown(matches),
        misses: shown(misses),
    })
}

fn name<'l>(line: &'l Line<'_>) -> &'l str {
    line.program.name().map_or("", base_name)
}

/// Returns what `shell` says of one command.
fn command(line: &Line<'_>, wider: Widening) -> Result<Value, CannotNarrow> {
    let Program::Known { is_whole: true, .. } = line.program else {
        return Err(CannotNarrow::Program);
    };
    let program = name(line);
    let unknown = || CannotNarrow::Word {
        program: program.to_owned(),
    };
    let words = line.command.arguments.iter().map(|it| it.literal());
    let words = words.collect::<Option<Vec<String>>>().ok_or_else(unknown)?;
    let mut pattern = Map::new();
    pattern.insert("program".to_owned(), json!(literal(program)));
    if !wider.arguments && !wider.flags {
        pattern.insert("words".to_owned(), json!(words));
        return Ok(Value::Object(pattern));
    }
    let has_subcommands =
        ProgramOptions::of(program, []).is_some_and(|known| known.has_subcommands());
    let mut operands: Vec<String> = line.operands().map(literal).collect();
    if has_subcommands && !operands.is_empty() {
        let subcommand = operands.remove(0);
        pattern.insert("subcommand".to_owned(), json!(subcommand));
    }
    if !wider.flags {
        let flags: Vec<&str> = line.flag_names().collect();
        pattern.extend((!flags.is_empty()).then(|| ("flags".to_owned(), json!(flags))));
    }
    if !wider.arguments && !operands.is_empty() {
        pattern.insert("arguments".to_owned(), json!(operands));
    }
    Ok(Value::Object(pattern))
}

/// Returns the command as it was written, and others beside it: with one more
/// option, with one more argument, and with another last argument.
fn examples(text: &str, lines: &[&Line<'_>], is_whole: bool) -> (Vec<String>, Vec<String>) {
    let spans = || lines.iter().map(|line| line.command.span);
    let (Some(start), Some(end)) = (
        spans().map(|it| it.start).min(),
        spans().map(|it| it.end).max(),
    ) else {
        return (Vec::new(), Vec::new());
    };
    let (start, end) = match is_whole {
        true => (0, text.len()),
        false => (start as usize, end as usize),
    };
    let last = lines.last().map(|line| line.command);
    let word = last.and_then(|it| it.arguments.last().or(it.program.as_ref()));
    let at = word.map_or(end, |word| word.span.end as usize);
    let (Some(whole), Some(before), Some(after)) =
        (text.get(start..end), text.get(start..at), text.get(at..end))
    else {
        return (Vec::new(), Vec::new());
    };
    let with = |more: &str| format!("{before}{more}{after}").trim().to_owned();
    let mut misses = vec![with(" --another-option"), with(" another-argument")];
    if last.is_some_and(|it| !it.arguments.is_empty()) {
        misses.push(with("-other"));
    }
    (vec![whole.trim().to_owned()], misses)
}
