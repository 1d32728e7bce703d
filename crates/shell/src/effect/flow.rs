//! What flows from one command into another: through pipelines, substitutions,
//! variables and files.

use std::collections::BTreeMap;

use aegis_types::{
    Access, EffectKind, EffectResource, RedirectionKind, Span, Stream, UnknownCause, Word,
    WordPart, Wrapper,
};

use super::command::{Told, is_dash, is_socket, speaks_to};
use super::content::{reads, shows_records, shows_secret};
use super::files::{Content, Files};
use super::inner::{Inner, Pending};
use super::{Found, elsewhere, interpreter, keeping, secret, socket};
use crate::option::first_text;
use crate::programs::Role;
use crate::touch::Touched;
use crate::written;

/// A set of sources, a bit each.
pub(super) type Mask = u64;

/// How many sources are told apart; what exceeds them is of no known name.
const SOURCES_MAX: usize = 62;
/// The bit of content of this machine beyond that.
const MORE_OF_HERE: Mask = 1 << 62;
/// The bit of content of hosts beyond that.
const MORE_FROM_AFAR: Mask = 1 << 63;

/// Programs that put text or files where their words say.
const WRITING: [&str; 16] = [
    "cp", "dd", "gcp", "ginstall", "gmv", "gsed", "install", "link", "ln", "mv", "perl", "rsync",
    "ruby", "sed", "sponge", "tee",
];

/// Programs that unpack a file to one of the same name without its ending.
const UNPACKING: [&str; 16] = [
    "brotli",
    "bunzip2",
    "bzip2",
    "gunzip",
    "gzip",
    "lz4",
    "lzip",
    "lzma",
    "uncompress",
    "unlzma",
    "unxz",
    "unzstd",
    "xz",
    "zcat",
    "zstd",
    "7z",
];

/// Where content comes from.
#[derive(Debug)]
struct Source {
    /// The file, if it is one of this machine.
    path: Option<String>,
    is_from_afar: bool,
    span: Span,
}

/// What flows, as far as the commands so far show.
#[derive(Debug, Default)]
pub(super) struct Flow {
    sources: Vec<Source>,
    files: Files,
    /// What comes out of commands in substitutions that no word has taken up.
    pending: Pending,
    /// What variables hold.
    variables: Mask,
    /// What comes out of each position of a pipeline, and what it is.
    pipelines: BTreeMap<(u32, u32), Stage>,
    /// What goes into `>(…)`, whose commands stand before the one that writes there.
    takers: Vec<Taker>,
    /// Whether a descriptor of the shell is a connection.
    pub(super) has_socket: Option<Span>,
    /// Within how many others the plan stands.
    pub(super) depth: usize,
}

/// What comes out of a command.
#[derive(Clone, Copy, Debug, Default)]
struct Out {
    all: Mask,
    /// What it fetches itself.
    own: Mask,
    /// Everything else.
    rest: Mask,
}

/// A command that is given what another writes into `>(…)`.
#[derive(Debug)]
struct Taker {
    inner: Inner,
    program: Span,
    sends: bool,
    runs: bool,
}

/// What is known of a position of a pipeline.
#[derive(Clone, Copy, Debug, Default)]
struct Stage {
    mask: Mask,
    /// A plain connection.
    connection: Option<Span>,
    /// A shell that runs what it reads.
    shell: Option<Span>,
}

/// What goes into a command.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Input {
    /// Through standard input.
    pub(super) standard: Mask,
    /// Through its words, those apart that as a whole are an address.
    pub(super) words: Mask,
    /// Through its words, all of them.
    pub(super) any_word: Mask,
}

impl Flow {
    /// Returns that nothing flows yet in a plan that stands within `depth` others.
    pub(super) fn at(depth: usize) -> Self {
        Self {
            depth,
            ..Self::default()
        }
    }

    /// Takes the next command, and adds what arises with those before it.
    pub(super) fn take(&mut self, told: &Told<'_>, found: &mut Found) {
        let input = self.input(told);
        let is_network = told.is_network() || socket::is_connection(told);
        self.upload(told, input, is_network, found);
        interpreter::runs(self, told, input, found);
        socket::opened(self, told, found);
        elsewhere::arisen(self, told, input, found);
        let out = self.output(told, input, is_network);
        self.hand_over(told, out.all, is_network, found);
        self.keep(told, input, out);
        self.join_stage(told, out.all, found);
    }

    /// Returns what is known of the file that a word of a command names.
    pub(super) fn content(&self, told: &Told<'_>, word: &Word) -> Content {
        self.files.content(told.command, word)
    }

    /// Returns what goes into one word.
    pub(super) fn word_mask(&self, told: &Told<'_>, word: &Word, standard: Mask) -> Mask {
        if !word.is_open() {
            return 0;
        }
        let inside = self.pending.inside(word.span);
        // Where it has the place of the whole command, what is inside does not show.
        let is_placed = word.span != told.command.span;
        if is_placed && inside != 0 || !holds_output(word) {
            return inside;
        }
        let is_given = told.is_within(&["xargs", "parallel"])
            && (told.roles().any(|operand| speaks_to(&operand))
                || interpreter::is_shell(told.name()));
        let through_words = if is_given { standard } else { 0 };
        self.variables | self.pending.all() | through_words
    }

    fn input(&self, told: &Told<'_>) -> Input {
        let place = told.command.place;
        let mut input = Input::default();
        if let Some(before) = place.position.checked_sub(1) {
            let stage = self.pipelines.get(&(place.pipeline, before));
            input.standard |= stage.map_or(0, |stage| stage.mask);
        }
        for redirection in &told.command.redirections {
            match redirection.kind {
                RedirectionKind::Read | RedirectionKind::ReadWrite => {
                    let content = self.content(told, &redirection.target);
                    input.standard |= content.mask | self.pending.inside(redirection.target.span);
                }
                RedirectionKind::Text => {
                    input.standard |= self.word_mask(told, &redirection.target, 0);
                }
                // What `>(…)` prints, it prints where the command itself does.
                RedirectionKind::Write | RedirectionKind::Append => {
                    input.any_word |= self.pending.inside(redirection.target.span);
                }
                RedirectionKind::Descriptor => {}
            }
        }
        for assignment in &told.command.assignments {
            input.any_word |= self.word_mask(told, &assignment.value, 0);
        }
        for word in &told.command.arguments {
            let mask = self.word_mask(told, word, input.standard);
            input.any_word |= mask;
            if mask != 0 && !is_whole_address(told, word) {
                input.words |= mask;
            }
        }
        input
    }

    /// Adds a source, and returns its bit.
    fn source(&mut self, path: Option<String>, is_from_afar: bool, span: Span) -> Mask {
        let same = |known: &Source| {
            known.path == path && known.is_from_afar == is_from_afar && known.span == span
        };
        let index = self.sources.iter().position(same);
        let index = index.unwrap_or(self.sources.len());
        if index >= SOURCES_MAX {
            return if is_from_afar {
                MORE_FROM_AFAR
            } else {
                MORE_OF_HERE
            };
        }
        if index == self.sources.len() {
            self.sources.push(Source {
                path,
                is_from_afar,
                span,
            });
        }
        1 << index
    }

    /// Returns what of `mask` comes from this machine, or from afar.
    fn of(
        &self,
        mask: Mask,
        is_from_afar: bool,
    ) -> impl Iterator<Item = (Option<&str>, Option<Span>)> {
        let more = if is_from_afar {
            MORE_FROM_AFAR
        } else {
            MORE_OF_HERE
        };
        let sources = self.sources.iter().enumerate();
        let told = sources.filter(move |(index, source)| {
            mask & (1 << index) != 0 && source.is_from_afar == is_from_afar
        });
        let rest = (mask & more != 0).then_some((None, None));
        told.map(|(_, source)| (source.path.as_deref(), Some(source.span)))
            .chain(rest)
    }

    /// Returns where content of a host comes from, if some of `mask` is such.
    pub(super) fn remote_source(&self, mask: Mask) -> Option<Option<Span>> {
        self.of(mask, true).map(|(_, span)| span).next()
    }

    fn upload(&self, told: &Told<'_>, input: Input, is_network: bool, found: &mut Found) {
        let writes_socket = told.command.redirections.iter().any(|redirection| {
            let is_output = !matches!(
                redirection.kind,
                RedirectionKind::Read | RedirectionKind::Text
            );
            let text = first_text(&redirection.target);
            is_output && (is_socket(text) || self.has_socket.is_some() && is_high(text))
        });
        let mut sent = 0;
        if writes_socket {
            sent |= input.standard | input.any_word;
            let variable = told.command.arguments.iter().find(|word| word.is_open());
            if let Some(word) = variable {
                let causes = [word.span, told.program_span()];
                found.add(EffectKind::Upload, EffectResource::Unknown, &causes);
            }
            for item in told.touched.iter().filter(|item| reads(told, item)) {
                found_upload(found, &written(&item.word), item.word.span, told);
                sent |= self.content(told, &item.word).mask;
            }
        }
        if is_network {
            if !keeping::keeps_words(told.name()) {
                sent |= input.words;
            }
            if sends_input(told) {
                sent |= input.standard;
                for redirection in &told.command.redirections {
                    let target = &redirection.target;
                    let is_file = !target.is_open() && !first_text(target).starts_with("/dev/");
                    if redirection.kind == RedirectionKind::Read && is_file {
                        found_upload(found, &written(target), target.span, told);
                    }
                }
            }
            self.own_files(told, found);
            for operand in told.roles() {
                let file = match operand.role {
                    Role::Send => Some(operand.word.clone()),
                    Role::Body => crate::touch::sent_file(operand.word).map(|file| file.word),
                    Role::Text
                    | Role::Path(_)
                    | Role::Project
                    | Role::Url
                    | Role::Host
                    | Role::Remote(_)
                    | Role::Command
                    | Role::Code
                    | Role::Shell
                    | Role::Program
                    | Role::Process
                    | Role::Package
                    | Role::Service
                    | Role::Named => None,
                };
                sent |= file.map_or(0, |file| self.content(told, &file).mask);
            }
        }
        if is_network {
            secret::sent(told, found);
        }
        for (path, span) in self.of(sent, false) {
            let resource = match path {
                Some(path) => EffectResource::Path(path.to_owned()),
                None => host_of(told),
            };
            let own = [told.program_span()].into_iter().chain(told.host_spans());
            let causes: Vec<Span> = span.into_iter().chain(own).collect();
            found.add(EffectKind::Upload, resource, &causes);
        }
    }

    /// Adds that a database on another machine is given the files its commands read.
    fn own_files(&self, told: &Told<'_>, found: &mut Found) {
        if !told.names_host() || !shows_records(told) {
            return;
        }
        let read = told.touched.iter();
        for item in read.filter(|item| item.access == Access::READ && !item.certain) {
            found_upload(found, &written(&item.word), item.word.span, told);
        }
    }

    /// Returns what comes out of a command.
    fn output(&mut self, told: &Told<'_>, input: Input, is_network: bool) -> Out {
        let mut rest = input.standard | input.any_word;
        let span = told.program_span();
        for item in told.touched.iter().filter(|item| reads(told, item)) {
            rest |= self.content(told, &item.word).mask;
            rest |= self.source(Some(written(&item.word)), false, item.word.span);
        }
        if shows_secret(told) || shows_records(told) {
            rest |= self.source(None, false, span);
        }
        let by_descriptor = self.has_socket.is_some()
            && told.command.redirections.iter().any(|redirection| {
                redirection.kind == RedirectionKind::Descriptor
                    && is_high(first_text(&redirection.target))
            });
        let fetches = is_network && (told.names_host() || told.is_fetcher());
        let mut targets = told.command.redirections.iter().map(|it| &it.target);
        let from_socket = targets.any(|target| is_socket(first_text(target)));
        let own = match fetches || by_descriptor || from_socket {
            true => self.source(None, true, span),
            false => 0,
        };
        Out {
            all: rest | own,
            own,
            rest,
        }
    }

    /// Adds what becomes of what a command writes into `>(…)`.
    fn hand_over(&mut self, told: &Told<'_>, out: Mask, is_network: bool, found: &mut Found) {
        let own = Inner::of(told.command);
        let takers = std::mem::take(&mut self.takers);
        let is_taker = |taker: &&Taker| is_written(told, taker.inner.span());
        for taker in takers.iter().filter(is_taker) {
            let local: Vec<_> = self.of(out, false).collect();
            for (path, span) in local.into_iter().filter(|_| taker.sends) {
                let path = path.map(|path| EffectResource::Path(path.to_owned()));
                let causes: Vec<Span> = span.into_iter().chain([taker.program]).collect();
                let resource = path.unwrap_or(EffectResource::Unknown);
                found.add(EffectKind::Upload, resource, &causes);
            }
            if let Some(source) = self.remote_source(out).filter(|_| taker.runs) {
                let causes: Vec<Span> = source.into_iter().chain([taker.program]).collect();
                found.add(EffectKind::RemoteCode, EffectResource::Unknown, &causes);
            }
        }
        self.takers = takers;
        self.takers.retain(|taker| !taker.inner.is_within(own));
        if told.command.through.contains(&Wrapper::ProcessSubstitution) {
            self.takers.push(Taker {
                inner: own,
                program: told.program_span(),
                sends: is_network && sends_input(told),
                runs: interpreter::runs_input(told),
            });
        }
    }

    /// Keeps what comes out of a command where later ones may find it.
    fn keep(&mut self, told: &Told<'_>, input: Input, out: Out) {
        let command = told.command;
        let is_redirection = |word: &Word| {
            let mut redirections = command.redirections.iter();
            redirections.any(|redirection| redirection.target == *word)
        };
        let writes = WRITING.contains(&told.name());
        // What a build fetches is not what it writes.
        let names_host = told.roles().any(|operand| speaks_to(&operand));
        let mask = if names_host { out.all } else { out.rest };
        let is_write = |item: &&Touched| item.access.write && item.access != Access::ANY;
        for item in told.touched.iter().filter(is_write) {
            let is_written = item.certain && (writes || is_redirection(&item.word));
            let content = Content {
                mask,
                written: is_written.then_some(item.word.span),
            };
            self.files.write(command, &item.word, content);
            if item.recursive && self.remote_source(mask).is_some() {
                self.files.write_below(command, &item.word, mask);
            }
        }
        if UNPACKING.contains(&told.name()) {
            for item in told.touched.iter().filter(|item| item.access.read) {
                let written = None;
                self.files
                    .unpack(command, &item.word, Content { mask, written });
            }
        }
        if let Some(folder) = crate::touch::cloned(told.command) {
            self.files.write_below(command, &folder, out.own);
        }
        let inner = Inner::of(command);
        self.pending.take_up(inner);
        let mut assigned = 0;
        if command.program.is_none()
            || matches!(
                told.name(),
                "export" | "local" | "declare" | "readonly" | "typeset"
            )
        {
            assigned = out.all;
        } else if matches!(told.name(), "read" | "mapfile" | "readarray") {
            assigned = input.standard;
        }
        self.variables |= assigned;
        self.pending.add(inner, out.all);
    }

    /// Adds what a pipeline as a whole does, and keeps what comes out of a position.
    fn join_stage(&mut self, told: &Told<'_>, out: Mask, found: &mut Found) {
        let place = told.command.place;
        if place.length < 2 {
            return;
        }
        let span = told.program_span();
        let connection = socket::is_connection(told).then_some(span);
        let shell = interpreter::runs_input_as_shell(told).then_some(span);
        let before = place.position.checked_sub(1);
        let before = before.and_then(|before| self.pipelines.get(&(place.pipeline, before)));
        let before = before.copied().unwrap_or_default();
        let stage = self
            .pipelines
            .entry((place.pipeline, place.position))
            .or_default();
        stage.mask |= out;
        stage.connection = stage.connection.or(connection).or(before.connection);
        stage.shell = stage.shell.or(shell).or(before.shell);
        if (connection.is_some() || shell.is_some())
            && let (Some(connection), Some(shell)) = (stage.connection, stage.shell)
        {
            let causes = [connection.min(shell), connection.max(shell)];
            found.add(EffectKind::RemoteShell, EffectResource::Unknown, &causes);
        }
    }
}

/// Returns whether a command writes into the substitution at `inner`.
fn is_written(told: &Told<'_>, inner: Span) -> bool {
    let command = told.command;
    let targets = command.redirections.iter().map(|it| &it.target);
    let mut named = command.arguments.iter().chain(targets);
    named.any(|word| {
        word.parts.contains(&WordPart::Stream(Stream::Input)) && word.span.contains(inner)
    })
}

fn found_upload(found: &mut Found, path: &str, span: Span, told: &Told<'_>) {
    let resource = EffectResource::Path(path.to_owned());
    let causes: Vec<Span> = [span, told.program_span()]
        .into_iter()
        .chain(told.host_spans())
        .collect();
    found.add(EffectKind::Upload, resource, &causes);
}

/// Returns the host that a command names.
pub(super) fn host_of(told: &Told<'_>) -> EffectResource {
    let host = told.roles().find(speaks_to);
    host.map_or(EffectResource::Unknown, |host| {
        EffectResource::Host(written(host.word))
    })
}

/// Returns whether what a command reads goes to the host it speaks to.
fn sends_input(told: &Told<'_>) -> bool {
    let Some(reading) = &told.reading else {
        return false;
    };
    if reading.deepest().is_some_and(|entry| entry.sends_input()) || socket::is_connection(told) {
        return true;
    }
    let is_input = |text: &str| {
        let text = text.split(';').next().unwrap_or(text);
        text == "-" || text.ends_with("@-") || text.ends_with("=-")
    };
    let by_value = reading.values_with_roles().any(|value| match value.role {
        Role::Send | Role::Body | Role::Remote(_) | Role::Url => is_input(&written(value.word)),
        Role::Path(ways) => ways.access().read && is_dash(value.word),
        Role::Project => is_dash(value.word),
        Role::Text
        | Role::Host
        | Role::Command
        | Role::Code
        | Role::Shell
        | Role::Program
        | Role::Process
        | Role::Package
        | Role::Service
        | Role::Named => false,
    });
    // What is typed goes to the other end.
    let is_talk = |word: &&Word| first_text(word).starts_with("telnet://");
    let talks = told.name() == "curl" && reading.operands.iter().any(is_talk);
    by_value || talks || reading.operands.iter().any(|word| is_dash(word))
}

/// Returns whether a word is an address of which nothing is shown: what is
/// fetched, rather than what is sent.
fn is_whole_address(told: &Told<'_>, word: &Word) -> bool {
    let has_text = word.parts.iter().any(|part| match part {
        WordPart::Literal(text) | WordPart::Pattern(text) => !text.is_empty(),
        WordPart::Home(_) | WordPart::Stream(_) | WordPart::Unknown(_) => false,
    });
    !has_text
        && told.reading.as_ref().is_some_and(|reading| {
            reading.operands_with_roles().any(|operand| {
                operand.word == word
                    && matches!(operand.role, Role::Url | Role::Host | Role::Remote(_))
            })
        })
}

/// Returns whether a word holds what a command printed, or a variable of the text.
fn holds_output(word: &Word) -> bool {
    word.parts.iter().any(|part| {
        matches!(
            part,
            WordPart::Stream(_)
                | WordPart::Unknown(
                    UnknownCause::Output
                        | UnknownCause::Found
                        | UnknownCause::Settings
                        | UnknownCause::Expansion
                )
        )
    })
}

/// Returns whether a descriptor is one that a text opens itself.
fn is_high(text: &str) -> bool {
    text.parse::<u32>().is_ok_and(|number| number > 2)
}
