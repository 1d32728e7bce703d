//! Roles, effects and conditions as they are written.

use crate::tree::{Fault, Source, Text};

/// A kind of effect: its name in a file and in the program.
pub(crate) type Kind = (&'static str, &'static str);

const KINDS: [Kind; 17] = [
    ("read", "Read"),
    ("write", "Write"),
    ("delete", "Delete"),
    ("execute", "Execute"),
    ("network", "Network"),
    ("upload", "Upload"),
    ("privilege", "Privilege"),
    ("persistence", "Persistence"),
    ("credential", "Credential"),
    ("process", "Process"),
    ("package", "Package"),
    ("history", "History"),
    ("remote_code", "RemoteCode"),
    ("written_code", "WrittenCode"),
    ("loaded_code", "LoadedCode"),
    ("remote_shell", "RemoteShell"),
    ("unknown", "Unknown"),
];

const WAYS: [&str; 4] = ["read", "write", "delete", "execute"];

/// Roles that are no path.
const ROLES: [(&str, &str); 14] = [
    ("text", "Text"),
    ("project", "Project"),
    ("send", "Send"),
    ("body", "Body"),
    ("url", "Url"),
    ("host", "Host"),
    ("command", "Command"),
    ("code", "Code"),
    ("shell", "Shell"),
    ("program", "Program"),
    ("process", "Process"),
    ("package", "Package"),
    ("service", "Service"),
    ("named", "Named"),
];

/// What a word is: the code that stands for it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Role {
    pub(crate) code: String,
}

/// An effect as an entry states it.
#[derive(Debug)]
pub(crate) struct Effect {
    pub(crate) kind: Kind,
    pub(crate) resource: Resource,
}

/// What a stated effect is done to.
#[derive(Debug)]
pub(crate) enum Resource {
    Nothing,
    Text(String),
    Operand(u8),
    Operands,
    Option(String),
}

/// Reads a kind of effect.
pub(crate) fn kind(source: Source<'_>, text: &Text) -> Result<Kind, Fault> {
    match KINDS.into_iter().find(|(name, _)| *name == text.text) {
        Some(kind) => Ok(kind),
        None => source.fault(text.line, format!("unknown effect `{}`", text.text)),
    }
}

/// Reads a way in which something is reached for.
pub(crate) fn way(source: Source<'_>, text: &Text) -> Result<&'static str, Fault> {
    match WAYS.into_iter().find(|way| *way == text.text) {
        Some(way) => Ok(way),
        None => source.fault(text.line, format!("unknown access `{}`", text.text)),
    }
}

/// Reads an effect with its resource.
pub(crate) fn effect(source: Source<'_>, text: &Text) -> Result<Effect, Fault> {
    let (name, resource) = match text.text.split_once(' ') {
        Some((name, resource)) => (name, resource.trim()),
        None => (text.text.as_str(), ""),
    };
    let line = text.line;
    let name = Text {
        text: name.to_owned(),
        line,
    };
    let kind = kind(source, &name)?;
    let resource = match resource.strip_prefix('$') {
        None if resource.is_empty() => Resource::Nothing,
        None => Resource::Text(resource.to_owned()),
        Some("...") => Resource::Operands,
        Some(option) if option.starts_with('-') => Resource::Option(option.to_owned()),
        Some(number) => match number.parse::<u8>() {
            Ok(number) if number > 0 => Resource::Operand(number),
            Ok(_) | Err(_) => {
                return source.fault(line, format!("unknown resource `{resource}`"));
            }
        },
    };
    Ok(Effect { kind, resource })
}

/// Reads a role.
pub(crate) fn role(source: Source<'_>, text: &Text) -> Result<Role, Fault> {
    let known = ROLES.into_iter().find(|(name, _)| *name == text.text);
    if let Some((_, name)) = known {
        return Ok(Role {
            code: format!("Role::{name}"),
        });
    }
    let mut ways: Vec<&str> = text.text.split('+').collect();
    let is_remote = ways.first() == Some(&"remote");
    if is_remote {
        ways.remove(0);
    }
    let mut access = 0_u8;
    for way in ways {
        match WAYS.iter().position(|known| *known == way) {
            Some(position) => access |= 1 << position,
            None => return source.fault(text.line, format!("unknown role `{}`", text.text)),
        }
    }
    let name = if is_remote { "Remote" } else { "Path" };
    Ok(Role {
        code: format!("Role::{name}(Ways({access}))"),
    })
}
