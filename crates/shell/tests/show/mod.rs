//! Writes plans in one line a command, as the fixtures do.
#![allow(dead_code, missing_docs)]

use aegis_shell::{Touched, located};
use aegis_types::{
    Command, Condition, Directory, Plan, RedirectionKind, Stream, UnknownCause, Word, WordPart,
    Wrapper,
};

pub fn commands(plan: &Plan) -> Vec<String> {
    plan.commands.iter().map(command).collect()
}

pub fn unknowns(plan: &Plan) -> Vec<String> {
    plan.unknowns
        .iter()
        .map(|unknown| cause(&unknown.cause))
        .collect()
}

pub fn command(command: &Command) -> String {
    let mut shown: Vec<String> = command.through.iter().map(wrapper).collect();
    for assignment in &command.assignments {
        shown.push(format!("{}={}", assignment.name, word(&assignment.value)));
    }
    shown.extend(command.program.iter().map(word));
    shown.extend(command.arguments.iter().map(word));
    for redirection in &command.redirections {
        let sign = match redirection.kind {
            RedirectionKind::Read => "<",
            RedirectionKind::Write => ">",
            RedirectionKind::Append => ">>",
            RedirectionKind::ReadWrite => "<>",
            RedirectionKind::Text => "<<<",
            RedirectionKind::Descriptor => ">&",
        };
        shown.push(format!("{sign}{}", word(&redirection.target)));
    }
    match &command.directory {
        Directory::Start => {}
        Directory::Moved(path) => shown.push(format!("@{path}")),
        Directory::Unknown => shown.push("@?".to_owned()),
    }
    if command.place.length > 1 {
        shown.push(format!(
            "|{}/{}",
            command.place.position + 1,
            command.place.length
        ));
    }
    match command.place.condition {
        Condition::Always => {}
        Condition::AfterSuccess => shown.push("&&".to_owned()),
        Condition::AfterFailure => shown.push("||".to_owned()),
        Condition::Branch => shown.push("?".to_owned()),
    }
    if command.place.background {
        shown.push("&".to_owned());
    }
    shown.join(" ")
}

pub fn touched(command: &Command, touched: &Touched) -> String {
    let path = located(command, &touched.word);
    let path = path.map_or_else(|| format!("?/{}", word(&touched.word)), |path| word(&path));
    format!(
        "{}{} {path}{}{}",
        touched.access,
        if touched.certain { "" } else { "?" },
        if touched.recursive { "/**" } else { "" },
        if touched.work_tree { " tree" } else { "" },
    )
}

pub fn word(word: &Word) -> String {
    let mut shown = String::new();
    for part in &word.parts {
        match part {
            WordPart::Literal(text) => shown.push_str(text),
            WordPart::Pattern(text) => shown.push_str(&format!("<glob:{text}>")),
            WordPart::Home(None) => shown.push_str("<home>"),
            WordPart::Home(Some(user)) => shown.push_str(&format!("<home:{user}>")),
            WordPart::Stream(Stream::Output) => shown.push_str("<stream>"),
            WordPart::Stream(Stream::Input) => shown.push_str(">stream<"),
            WordPart::Unknown(unknown) => shown.push_str(&format!("<{}>", cause(unknown))),
        }
    }
    if shown.is_empty() || shown.contains([' ', '\n', '\t']) {
        format!("'{shown}'")
    } else {
        shown
    }
}

fn wrapper(wrapper: &Wrapper) -> String {
    match wrapper {
        Wrapper::Program(name) => format!("{name}>"),
        Wrapper::Substitution => "$()>".to_owned(),
        Wrapper::ProcessSubstitution => "<()>".to_owned(),
        Wrapper::Subshell => "()>".to_owned(),
        Wrapper::Compound => "compound>".to_owned(),
        Wrapper::Function(name) => format!("{name}()>"),
        Wrapper::Text => "text>".to_owned(),
    }
}

fn cause(cause: &UnknownCause) -> String {
    match cause {
        UnknownCause::Variable(name) => format!("variable:{name}"),
        UnknownCause::Found => "found".to_owned(),
        UnknownCause::Output => "output".to_owned(),
        UnknownCause::Branch => "branch".to_owned(),
        UnknownCause::Settings => "settings".to_owned(),
        UnknownCause::Arithmetic => "arithmetic".to_owned(),
        UnknownCause::Expansion => "expansion".to_owned(),
        UnknownCause::Code(name) => format!("code:{name}"),
        UnknownCause::Program => "program".to_owned(),
        UnknownCause::Syntax => "syntax".to_owned(),
        UnknownCause::Construct(name) => format!("construct:{name}"),
        UnknownCause::TooComplex => "too complex".to_owned(),
    }
}
