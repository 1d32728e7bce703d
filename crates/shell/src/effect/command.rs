//! What one command does.

use std::borrow::Cow;
use std::ops::Range;

use aegis_types::{
    Access, Command, Effect, EffectKind, EffectResource, RedirectionKind, Span, UnknownCause, Word,
    WordPart, Wrapper,
};

use super::{Found, interpreter, package, print};
use crate::elsewhere::run_elsewhere;
use crate::input;
use crate::program::program_name;
use crate::programs::{self, Operand, Reading, Resource, Role};
use crate::touch::{Touched, is_remote, is_web_address, loaded_by, sent_file, touched};
use crate::written;

/// Programs that give rights to the command they run.
const RAISING: [&str; 7] = ["dzdo", "sudo", "su", "doas", "pkexec", "runuser", "run0"];

/// How many programs may run one another before what runs is unknown.
const INNER_MAX: usize = 8;

/// Folders of the system, whose programs are what their names say.
const SYSTEM_FOLDERS: [&str; 7] = [
    "/bin",
    "/sbin",
    "/usr/bin",
    "/usr/sbin",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/opt/homebrew/bin",
];

/// A command with what the table says of it.
pub(super) struct Told<'p> {
    pub(super) command: &'p Command,
    /// The name of its program, if the text shows it.
    pub(super) name: Option<Cow<'p, str>>,
    pub(super) reading: Option<Reading<'p>>,
    /// What its words are if options that are in no table have values.
    pub(super) other: Option<Reading<'p>>,
    pub(super) touched: Vec<Touched>,
    /// The files and folders whose code it loads into programs.
    pub(super) loaded: Vec<Word>,
}

impl<'p> Told<'p> {
    /// Looks a command up.
    pub(super) fn of(command: &'p Command) -> Self {
        Self::with(command, touched(command))
    }

    /// Looks a command up that touches this.
    pub(super) fn with(command: &'p Command, touched: Vec<Touched>) -> Self {
        let name = program_name(command);
        let entry = name.as_deref().and_then(programs::entry_for);
        let words = &command.arguments;
        let reading = entry.map(|entry| programs::read(entry, words));
        let known = entry.zip(reading.as_ref());
        let other =
            known.and_then(|(entry, reading)| programs::read_otherwise(entry, words, reading));
        Self {
            command,
            reading,
            other,
            name,
            touched,
            loaded: loaded_by(command),
        }
    }

    /// Returns the name of its program; empty if that cannot be told.
    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// Returns what its words are, in each way in which they may be read.
    fn readings(&self) -> impl Iterator<Item = &Reading<'p>> {
        self.reading.iter().chain(&self.other)
    }

    /// Returns where its program stands.
    pub(super) fn program_span(&self) -> Span {
        let program = self.command.program.as_ref();
        program.map_or(self.command.span, |program| program.span)
    }

    /// Returns whether it runs within the wrapper `name`.
    pub(super) fn is_within(&self, names: &[&str]) -> bool {
        self.command.through.iter().any(|wrapper| match wrapper {
            Wrapper::Program(name) => names.contains(&name.as_str()),
            Wrapper::Substitution
            | Wrapper::ProcessSubstitution
            | Wrapper::Subshell
            | Wrapper::Compound
            | Wrapper::Function(_)
            | Wrapper::Text => false,
        })
    }

    /// Returns the values and operands that have a role.
    pub(super) fn roles(&self) -> impl Iterator<Item = Operand<'_>> {
        self.readings().flat_map(|reading| {
            let values = reading.values_with_roles();
            values.chain(reading.operands_with_roles())
        })
    }

    /// Returns whether it speaks to a host.
    pub(super) fn is_network(&self) -> bool {
        let states = |kind: EffectKind| {
            let mut readings = self.reading.iter();
            readings.any(|reading| reading.stated().any(|(stated, _)| *stated == kind))
        };
        self.roles().any(|operand| speaks_to(&operand)) || states(EffectKind::Network)
    }

    /// Returns whether one of its words names a host.
    pub(super) fn names_host(&self) -> bool {
        self.roles().any(|operand| speaks_to(&operand))
    }

    /// Returns whether it brings what a host gives, wherever that is named.
    ///
    /// A builder or a package manager speaks to hosts as well; what comes out of
    /// it is its own.
    pub(super) fn is_fetcher(&self) -> bool {
        let states = |kind: EffectKind| {
            let mut readings = self.reading.iter();
            readings.any(|reading| reading.stated().any(|(stated, _)| *stated == kind))
        };
        !states(EffectKind::Package) && !states(EffectKind::Unknown)
    }

    /// Adds what it does by itself.
    pub(super) fn effects(&self, found: &mut Found) {
        if let Some(program) = &self.command.program {
            let resource = EffectResource::Program(written(program));
            found.add(EffectKind::Execute, resource, &[program.span]);
        }
        if self.is_within(&RAISING) {
            let start = self.command.span.start;
            let end = self.program_span().start;
            let span = if start < end {
                Span { start, end }
            } else {
                self.command.span
            };
            found.add(EffectKind::Privilege, EffectResource::Unknown, &[span]);
        }
        self.paths(found);
        for redirection in &self.command.redirections {
            if let Some(host) = socket_host(redirection.kind, &redirection.target) {
                let span = redirection.target.span;
                found.add(EffectKind::Network, EffectResource::Host(host), &[span]);
            }
        }
        self.variables(found);
        for word in &self.loaded {
            found.add_path(EffectKind::LoadedCode, word);
        }
        self.settings_of_git(found);
        // What another command does at the same place counts for this one as well.
        let mut named = Found::default();
        self.by_role(&mut named);
        let is_host = |effect: &Effect| effect.kind == EffectKind::Network;
        let names_host = named.list.iter().any(is_host);
        found.add_all(named);
        self.stated(names_host, found);
        if self.is_unknown() {
            let span = self.program_span();
            found.add(EffectKind::Unknown, EffectResource::Unknown, &[span]);
        }
    }

    fn paths(&self, found: &mut Found) {
        for item in self.touched.iter().filter(|item| is_told(item)) {
            let is_program = self.command.program.as_ref() == Some(&item.word);
            let ways = [
                (item.access.read, EffectKind::Read),
                (item.access.write, EffectKind::Write),
                (item.access.delete, EffectKind::Delete),
                (item.access.execute && !is_program, EffectKind::Execute),
            ];
            for (_, kind) in ways.into_iter().filter(|(is_so, _)| *is_so) {
                found.add_path(kind, &item.word);
            }
        }
    }

    fn by_role(&self, found: &mut Found) {
        let is_shell = interpreter::is_shell(self.name());
        for operand in self.roles() {
            let word = operand.word;
            match operand.role {
                Role::Send if !is_dash(word) && !is_output(word) => {
                    self.sends(word, found);
                }
                Role::Body => {
                    if let Some(file) = sent_file(word).filter(|file| {
                        is_sent(file, word) && !is_dash(&file.word) && !is_output(&file.word)
                    }) {
                        self.sends(&file.word, found);
                    }
                }
                Role::Url | Role::Host | Role::Remote(_) | Role::Path(_) if speaks_to(&operand) => {
                    let host = EffectResource::Host(written(word));
                    found.add(EffectKind::Network, host, &[word.span]);
                }
                Role::Package if package::is_from_elsewhere(self.name(), word) => {
                    let host = EffectResource::Host(written(word));
                    found.add(EffectKind::Network, host, &[word.span]);
                    let causes = [self.program_span(), word.span];
                    found.add(EffectKind::RemoteCode, EffectResource::Unknown, &causes);
                }
                // What a shell or an option is given is followed by the plan.
                Role::Command if !is_shell && !self.is_of_option(word) => self.inner(word, found),
                Role::Code | Role::Shell if !is_shell => {
                    found.add(EffectKind::Unknown, EffectResource::Unknown, &[word.span]);
                }
                Role::Send
                | Role::Url
                | Role::Host
                | Role::Remote(_)
                | Role::Code
                | Role::Shell
                | Role::Program
                | Role::Command
                | Role::Text
                | Role::Path(_)
                | Role::Project
                | Role::Process
                | Role::Package
                | Role::Service
                | Role::Named => {}
            }
        }
        self.sent_away(found);
    }

    /// Returns whether an option is given the command that begins with a word.
    fn is_of_option(&self, word: &Word) -> bool {
        let mut given = self.readings().flat_map(|reading| &reading.commands);
        given.any(|command| command.first() == Some(word))
    }

    /// Adds that files go to the place that the last operand names.
    fn sent_away(&self, found: &mut Found) {
        let Some(reading) = &self.reading else {
            return;
        };
        let remotes = reading.operands_with_roles();
        let remotes: Vec<_> = remotes
            .filter(|operand| matches!(operand.role, Role::Remote(_)))
            .collect();
        let Some((target, sources)) = remotes.split_last() else {
            return;
        };
        let is_written = matches!(target.role, Role::Remote(ways) if ways.access().write);
        if !is_written || !is_remote(target.word) {
            return;
        }
        for source in sources.iter().filter(|it| !is_remote(it.word)) {
            self.sends(source.word, found);
        }
    }

    /// Adds that the file of a word goes to the hosts that are named.
    fn sends(&self, word: &Word, found: &mut Found) {
        let path = EffectResource::Path(written(word));
        let causes: Vec<Span> = [word.span].into_iter().chain(self.host_spans()).collect();
        found.add(EffectKind::Upload, path, &causes);
    }

    /// Returns where the hosts stand to which it speaks.
    pub(super) fn host_spans(&self) -> Vec<Span> {
        let hosts = self.roles().filter(|operand| speaks_to(operand));
        hosts.map(|host| host.word.span).collect()
    }

    fn stated(&self, names_host: bool, found: &mut Found) {
        let Some(reading) = &self.reading else {
            return;
        };
        self.stated_by(reading, |_| true, names_host, found);
        if let Some(other) = &self.other {
            let is_new = |kind| reading.stated().all(|(stated, _)| *stated != kind);
            self.stated_by(other, is_new, names_host, found);
        }
    }

    fn stated_by(
        &self,
        reading: &Reading<'_>,
        is_told: impl Fn(EffectKind) -> bool,
        names_host: bool,
        found: &mut Found,
    ) {
        let span = self.program_span();
        for (kind, resource) in reading.stated().filter(|(kind, _)| is_told(*kind)) {
            match resource {
                Resource::Nothing if *kind == EffectKind::Network && names_host => {}
                Resource::Nothing if *kind == EffectKind::Unknown && self.is_followed() => {}
                Resource::Nothing => found.add(*kind, EffectResource::Unknown, &[span]),
                // What becomes of these is told where it is known where they go.
                Resource::Text(text) if text.as_str() == print::VALUES => {}
                Resource::Text(text) => {
                    found.add(*kind, named(*kind, text.as_str().to_owned()), &[span]);
                }
                Resource::Operand(number) => {
                    let index = usize::from(*number).saturating_sub(1);
                    self.on_operands(*kind, reading, index..index + 1, found);
                }
                Resource::Operands => {
                    self.on_operands(*kind, reading, 0..reading.operands.len(), found);
                }
                Resource::Option(option) => {
                    self.on_option(*kind, reading, option.as_str(), found);
                }
            }
        }
    }

    /// Adds an effect on each of some operands; on what cannot be told if there is none.
    fn on_operands(
        &self,
        kind: EffectKind,
        reading: &Reading<'_>,
        range: Range<usize>,
        found: &mut Found,
    ) {
        let span = self.program_span();
        let operands = reading.operands.get(range.clone()).unwrap_or_default();
        if operands.is_empty() {
            found.add(kind, EffectResource::Unknown, &[span]);
        }
        for (index, word) in range.zip(operands) {
            let resource = of_word(kind, word, reading.role_of(index));
            found.add(kind, resource, &[span, word.span]);
        }
    }

    /// Adds an effect on each value of an option; on what cannot be told if there is none.
    fn on_option(&self, kind: EffectKind, reading: &Reading<'_>, normal: &str, found: &mut Found) {
        let span = self.program_span();
        let given = reading.options.iter().filter(|it| it.is(normal));
        let mut values = given.filter_map(|it| Some((it.value.as_deref()?, it.row?.role())));
        let first = values.next();
        if first.is_none() {
            found.add(kind, EffectResource::Unknown, &[span]);
        }
        for (word, role) in first.into_iter().chain(values) {
            let resource = of_word(kind, word, Some(role));
            found.add(kind, resource, &[span, word.span]);
        }
    }

    /// Adds what the command does that the operands from `word` on are.
    ///
    /// Where it runs elsewhere, or is too deep, it may do anything.
    fn inner(&self, word: &Word, found: &mut Found) {
        let mut readings = self.readings();
        let holds =
            |reading: &&Reading<'_>| reading.operands.iter().any(|it| std::ptr::eq(*it, word));
        let operands = readings
            .find(holds)
            .into_iter()
            .flat_map(|reading| &reading.operands);
        let is_before = |it: &&Word| !std::ptr::eq(*it, word);
        let rest: Vec<&Word> = operands.copied().skip_while(is_before).collect();
        let is_elsewhere = self.is_network() || run_elsewhere(self.command).is_some();
        let Some((program, arguments)) = rest
            .split_first()
            .filter(|_| !is_elsewhere && self.command.through.len() < INNER_MAX)
        else {
            found.add(EffectKind::Unknown, EffectResource::Unknown, &[word.span]);
            return;
        };
        let mut through = self.command.through.clone();
        through.push(Wrapper::Program(self.name().to_owned()));
        let command = Command {
            span: self.command.span,
            program: Some((*program).clone()),
            arguments: arguments.iter().map(|word| (*word).clone()).collect(),
            assignments: Vec::new(),
            redirections: Vec::new(),
            through,
            directory: self.command.directory.clone(),
            place: self.command.place,
        };
        Told::of(&command).effects(found);
        if interpreter::is_shell(&written(program)) {
            found.add(
                EffectKind::Unknown,
                EffectResource::Unknown,
                &[program.span],
            );
        }
    }

    /// Returns whether the plan follows whatever it runs.
    fn is_followed(&self) -> bool {
        interpreter::is_shell(self.name())
    }

    fn is_unknown(&self) -> bool {
        let Some(program) = &self.command.program else {
            return false;
        };
        match &self.reading {
            Some(reading) => reading.is_unlisted || is_of_somebody(program),
            None => !self.is_followed(),
        }
    }
}

/// Returns whether a program stands in a folder that is not the system's.
fn is_of_somebody(program: &Word) -> bool {
    let written = written(program);
    written
        .rsplit_once('/')
        .is_some_and(|(folder, _)| !SYSTEM_FOLDERS.contains(&folder))
}

/// Returns whether a word that may name a file is told as an effect.
pub(super) fn is_told(item: &Touched) -> bool {
    item.certain && item.access != Access::ANY && !is_device(&item.word)
}

fn is_device(word: &Word) -> bool {
    let [WordPart::Literal(text)] = word.parts.as_slice() else {
        return word.parts.is_empty();
    };
    matches!(text.as_str(), "-" | "/dev/null" | "/dev/tty")
        || input::descriptor(text).is_some()
        || is_socket(text)
}

/// Returns whether bash opens a connection for this path.
pub(super) fn is_socket(path: &str) -> bool {
    path.starts_with("/dev/tcp/") || path.starts_with("/dev/udp/")
}

/// Returns the host that a redirection connects to.
pub(super) fn socket_host(kind: RedirectionKind, target: &Word) -> Option<String> {
    if matches!(kind, RedirectionKind::Text) {
        return None;
    }
    let path = written(target);
    let rest = is_socket(&path).then(|| path.get("/dev/tcp/".len()..))??;
    // A port that cannot be told does not make the host unknown.
    Some(match rest.split_once('/') {
        Some((host, port)) if !port.bytes().all(|byte| byte.is_ascii_digit()) => host.to_owned(),
        Some(_) | None => rest.replacen('/', ":", 1),
    })
}

/// Returns whether a word names the host that is spoken to.
pub(super) fn speaks_to(operand: &Operand<'_>) -> bool {
    match operand.role {
        Role::Url => !written(operand.word).starts_with("file:") && !is_dash(operand.word),
        Role::Host => !is_dash(operand.word),
        Role::Remote(_) => is_remote(operand.word),
        // Many programs that read files read what lies on a host as well.
        Role::Path(ways) => ways.access().read && is_web_address(operand.word),
        Role::Text
        | Role::Project
        | Role::Send
        | Role::Body
        | Role::Command
        | Role::Code
        | Role::Shell
        | Role::Program
        | Role::Process
        | Role::Package
        | Role::Service
        | Role::Named => false,
    }
}

/// Returns whether a word stands for standard input.
pub(super) fn is_dash(word: &Word) -> bool {
    matches!(word.parts.as_slice(), [WordPart::Literal(text)] if text == "-")
}

/// Returns whether the content of a file is what is sent: `@file`, or `name@file`.
fn is_sent(file: &Touched, word: &Word) -> bool {
    let text = written(word);
    let name = text.split('@').next().unwrap_or_default();
    let is_name = |name: &str| {
        name.chars()
            .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-'))
    };
    file.certain || is_name(name)
}

/// Returns whether a word is what a command prints, and nothing besides.
fn is_output(word: &Word) -> bool {
    let is_one = |part: &WordPart| {
        matches!(
            part,
            WordPart::Stream(_) | WordPart::Unknown(UnknownCause::Output | UnknownCause::Found)
        )
    };
    word.parts.iter().all(is_one)
}

fn of_word(kind: EffectKind, word: &Word, role: Option<Role>) -> EffectResource {
    let text = written(word);
    match role {
        Some(Role::Path(_) | Role::Project | Role::Send) => EffectResource::Path(text),
        Some(Role::Url | Role::Host | Role::Remote(_)) => EffectResource::Host(text),
        Some(
            Role::Text
            | Role::Body
            | Role::Command
            | Role::Code
            | Role::Shell
            | Role::Program
            | Role::Process
            | Role::Package
            | Role::Service
            | Role::Named,
        )
        | None => named(kind, text),
    }
}

fn named(kind: EffectKind, text: String) -> EffectResource {
    match kind {
        EffectKind::Read | EffectKind::Write | EffectKind::Upload
            if text.contains(['/', '~', '.']) =>
        {
            EffectResource::Path(text)
        }
        EffectKind::Network => EffectResource::Host(text),
        EffectKind::Execute => EffectResource::Program(text),
        EffectKind::Read
        | EffectKind::Write
        | EffectKind::Upload
        | EffectKind::Delete
        | EffectKind::Privilege
        | EffectKind::Persistence
        | EffectKind::Credential
        | EffectKind::Process
        | EffectKind::Package
        | EffectKind::History
        | EffectKind::RemoteCode
        | EffectKind::WrittenCode
        | EffectKind::LoadedCode
        | EffectKind::RemoteShell
        | EffectKind::Unknown => EffectResource::Named(text),
    }
}
