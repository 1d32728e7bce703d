//! What a call would run, and what that would do.

use aegis_types::{
    Access, ActionRequest, Command, Condition, Directory, Effect, EffectKind, EffectResource,
    NetworkClass, PathFact, Plan, RedirectionKind, Span, Stream, Unknown, UnknownCause, Word,
    WordPart, Wrapper,
};

use crate::describe;
use crate::page::{Page, Piece, Tone, piece};

/// How many commands or effects are shown.
const ROWS_MAX: usize = 60;

/// Adds the commands as they are understood, unless the text says it all.
pub(crate) fn show(page: &mut Page, request: &ActionRequest, text: &str) {
    let Some(plan) = &request.context.plan else {
        return;
    };
    if is_plain(plan, text) {
        return;
    }
    page.heading("Plan");
    let mut before: &[Wrapper] = &[];
    let mut told = vec![false; plan.unknowns.len()];
    for command in plan.commands.iter().take(ROWS_MAX) {
        show_wrappers(page, before, &command.through);
        before = &command.through;
        show_command(page, command);
        for cause in causes(command, plan, &mut told) {
            show_unknown(page, command.through.len() + 1, &cause);
        }
    }
    let left = plan.commands.len().saturating_sub(ROWS_MAX);
    if left > 0 {
        let text = describe::count(left, "more command", "more commands");
        page.line(&[piece(Tone::Quiet, format!("  … {text}"))]);
        return;
    }
    let others = plan.unknowns.iter().zip(told).filter(|(_, told)| !told);
    for (unknown, _) in others.take(ROWS_MAX) {
        show_unknown(page, 0, &unknown.cause);
    }
}

/// Returns whether the commands are no more than what the text shows, quotes
/// around arguments aside.
fn is_plain(plan: &Plan, text: &str) -> bool {
    let [command] = plan.commands.as_slice() else {
        return plan.commands.is_empty() && plan.unknowns.is_empty();
    };
    let program = command.program.as_ref().map(word_text);
    let begins_with_it = program.is_some_and(|program| text.trim_start().starts_with(&program));
    let is_as_written = || {
        let bare = |text: &str| text.replace(['\'', '"', ' '], "");
        bare(&command_text(command)) == bare(text.trim())
    };
    plan.unknowns.is_empty()
        && command.through.is_empty()
        && command.directory == Directory::Start
        && begins_with_it
        && is_as_written()
}

/// Adds those of the `wrappers` of a command that the one before does not share.
fn show_wrappers(page: &mut Page, before: &[Wrapper], wrappers: &[Wrapper]) {
    let shared = before
        .iter()
        .zip(wrappers)
        .take_while(|(one, other)| one == other)
        .count();
    for (depth, wrapper) in wrappers.iter().enumerate().skip(shared) {
        let text = match wrapper {
            Wrapper::Program(program) => format!("{program} runs"),
            Wrapper::Substitution => "$(…) puts in place the output of".to_owned(),
            Wrapper::ProcessSubstitution => "<(…) or >(…) joins with".to_owned(),
            Wrapper::Subshell => "(…) runs in a shell of its own".to_owned(),
            Wrapper::Compound => "a loop, `if` or `case` runs".to_owned(),
            Wrapper::Function(name) => format!("the function {name} runs"),
            Wrapper::Text => "text is run as code:".to_owned(),
        };
        page.line(&[piece(Tone::Quiet, format!("{}{text}", indent(depth)))]);
    }
}

fn show_command(page: &mut Page, command: &Command) {
    let fed = if command.place.position > 0 { "| " } else { "" };
    let text = format!(
        "{}{fed}{}",
        indent(command.through.len()),
        command_text(command)
    );
    let notes = notes(command);
    let note = if notes.is_empty() {
        String::new()
    } else {
        format!("  ({})", notes.join(", "))
    };
    page.line(&[piece(Tone::Plain, text), piece(Tone::Quiet, note)]);
}

fn notes(command: &Command) -> Vec<String> {
    let mut notes = Vec::new();
    match &command.directory {
        Directory::Start => {}
        Directory::Moved(place) => notes.push(format!("in {place}")),
        Directory::Unknown => notes.push("in a folder that cannot be told".to_owned()),
    }
    match command.place.condition {
        Condition::Always => {}
        Condition::AfterSuccess => notes.push("if what comes before succeeds".to_owned()),
        Condition::AfterFailure => notes.push("if what comes before fails".to_owned()),
        Condition::Branch => notes.push("perhaps, or several times".to_owned()),
    }
    if command.place.background {
        notes.push("in the background".to_owned());
    }
    notes
}

fn show_unknown(page: &mut Page, depth: usize, cause: &UnknownCause) {
    let text = format!("{}unknown: {}", indent(depth), describe::unknown(cause));
    page.line(&[piece(Tone::Careful, text)]);
}

/// Returns what is unknown of a command, and notes which unknowns of the plan
/// are told by that.
fn causes(command: &Command, plan: &Plan, told: &mut [bool]) -> Vec<UnknownCause> {
    let mut causes: Vec<UnknownCause> = Vec::new();
    let mut add = |cause: &UnknownCause| {
        if !causes.contains(cause) {
            causes.push(cause.clone());
        }
    };
    for (unknown, told) in plan.unknowns.iter().zip(told) {
        if !*told && is_of(unknown, command, plan) {
            *told = true;
            add(&unknown.cause);
        }
    }
    let assigned = command.assignments.iter().map(|it| &it.value);
    let redirected = command.redirections.iter().map(|it| &it.target);
    let words = command.program.iter().chain(&command.arguments);
    let parts = words
        .chain(assigned)
        .chain(redirected)
        .flat_map(|word| &word.parts);
    for part in parts {
        if let WordPart::Unknown(cause) = part {
            add(cause);
        }
    }
    causes
}

/// Returns whether a command is the narrowest one in which something unknown stands.
fn is_of(unknown: &Unknown, command: &Command, plan: &Plan) -> bool {
    let narrowest = plan
        .commands
        .iter()
        .filter(|other| other.span.contains(unknown.span))
        .map(|other| other.span.length())
        .min();
    command.span.contains(unknown.span) && Some(command.span.length()) == narrowest
}

fn indent(depth: usize) -> String {
    "  ".repeat(depth + 1)
}

/// Returns a command as understood: words without quotes, `…` for what is unknown.
fn command_text(command: &Command) -> String {
    let assigned = command
        .assignments
        .iter()
        .map(|assignment| format!("{}={}", assignment.name, word_text(&assignment.value)));
    let words = command
        .program
        .iter()
        .chain(&command.arguments)
        .map(word_text);
    let redirected = command.redirections.iter().map(|redirection| {
        let sign = match redirection.kind {
            RedirectionKind::Read => "<",
            RedirectionKind::Write => ">",
            RedirectionKind::Append => ">>",
            RedirectionKind::ReadWrite => "<>",
            RedirectionKind::Text => return "<< …".to_owned(),
            RedirectionKind::Descriptor => ">&",
        };
        format!("{sign} {}", word_text(&redirection.target))
    });
    let all = assigned.chain(words).chain(redirected);
    all.collect::<Vec<_>>().join(" ")
}

fn word_text(word: &Word) -> String {
    word.parts
        .iter()
        .map(|part| match part {
            WordPart::Literal(text) | WordPart::Pattern(text) => text.clone(),
            WordPart::Home(None) => "~".to_owned(),
            WordPart::Home(Some(user)) => format!("~{user}"),
            WordPart::Stream(Stream::Output) => "<(…)".to_owned(),
            WordPart::Stream(Stream::Input) => ">(…)".to_owned(),
            WordPart::Unknown(_) => "…".to_owned(),
        })
        .collect()
}

/// Adds what the call would do, and the words that cause it.
pub(crate) fn show_effects(page: &mut Page, request: &ActionRequest, text: &str) {
    let rows = effect_rows(request, text);
    if rows.is_empty() {
        return;
    }
    page.heading("Effects");
    let has_words = rows.iter().any(|row| !row.words.is_empty());
    let cells: Vec<Vec<Piece>> = rows
        .iter()
        .take(ROWS_MAX)
        .map(|row| row.cells(has_words))
        .collect();
    let heading: &[&str] = if has_words {
        &["effect", "on", "by"]
    } else {
        &["effect", "on"]
    };
    page.table(heading, &cells);
    let left = rows.len().saturating_sub(ROWS_MAX);
    if left > 0 {
        let text = describe::count(left, "more effect", "more effects");
        page.line(&[piece(Tone::Quiet, format!("  … {text}"))]);
    }
}

/// Returns a row for each effect, and for what is no effect of one kind.
fn effect_rows(request: &ActionRequest, text: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut add = |row: Row| {
        if !rows.iter().any(|known| known.is(&row)) {
            rows.push(row);
        }
    };
    let context = &request.context;
    for touch in &context.protected {
        let what = format!("{} ({})", touch.kind.noun(), touch.path);
        add(Row::new(
            "protected",
            what,
            touch.through.clone(),
            Tone::Bad,
        ));
    }
    for agent in &context.nested_agents {
        let what = format!("{}: {}", agent.program, agent.cause);
        add(Row::new("agent", what, String::new(), Tone::Bad));
    }
    for effect in &context.effects {
        if let Some((what, tone)) = resource(effect, request) {
            let kind = effect.kind.as_str();
            add(Row::new(kind, what, causing(&effect.causes, text), tone));
        }
    }
    for fact in context.paths.iter().filter(|fact| !is_told(fact, request)) {
        let (what, tone) = path_text(fact);
        let way = if fact.access == Access::ANY {
            "any".to_owned()
        } else {
            describe::access(fact.access)
        };
        add(Row::new(&way, what, causing(&fact.causes, text), tone));
    }
    for fact in &context.hosts {
        let is_it = |effect: &Effect| {
            effect.resource == EffectResource::Host(fact.written.clone())
                || effect.kind == EffectKind::Network && effect.causes == fact.causes
        };
        if !context.effects.iter().any(is_it) {
            let words = causing(&fact.causes, text);
            add(Row::new(
                "network",
                fact.written.clone(),
                words,
                Tone::Plain,
            ));
        }
    }
    rows
}

/// A row of the table of effects.
struct Row {
    kind: String,
    what: String,
    words: String,
    tone: Tone,
}

impl Row {
    fn new(kind: &str, what: String, words: String, tone: Tone) -> Self {
        Self {
            kind: kind.to_owned(),
            what,
            words,
            tone,
        }
    }

    fn is(&self, other: &Self) -> bool {
        self.kind == other.kind && self.what == other.what && self.words == other.words
    }

    fn cells(&self, has_words: bool) -> Vec<Piece> {
        let mut cells = vec![
            piece(self.tone, &self.kind),
            piece(self.tone, describe::cut(&self.what, 100)),
        ];
        if has_words {
            cells.push(piece(Tone::Quiet, describe::cut(&self.words, 60)));
        }
        cells
    }
}

/// Returns what an effect is done to; nothing for a program that simply runs,
/// which the plan shows.
fn resource(effect: &Effect, request: &ActionRequest) -> Option<(String, Tone)> {
    Some(match &effect.resource {
        EffectResource::Path(written) => {
            let facts = || request.context.paths.iter();
            let is_it = |fact: &&PathFact| fact.written == *written;
            let own = facts().find(|fact| is_it(fact) && fact.causes == effect.causes);
            match own.or_else(|| facts().find(is_it)) {
                Some(fact) => path_text(fact),
                None => (written.clone(), Tone::Plain),
            }
        }
        EffectResource::Host(written) => {
            let mut hosts = request.context.hosts.iter();
            match hosts.find(|fact| fact.written == *written) {
                Some(fact) if fact.host.is_none() => {
                    ("a host that cannot be told".to_owned(), Tone::Careful)
                }
                Some(fact) => (host_text(written, fact.class), Tone::Plain),
                None => (written.clone(), Tone::Plain),
            }
        }
        EffectResource::Program(_) if effect.kind == EffectKind::Execute => return None,
        EffectResource::Program(name) | EffectResource::Named(name) => (name.clone(), Tone::Plain),
        EffectResource::Unknown => match effect.kind {
            EffectKind::Network | EffectKind::Upload => {
                ("a host that cannot be told".to_owned(), Tone::Careful)
            }
            EffectKind::Unknown => ("what cannot be told".to_owned(), Tone::Careful),
            EffectKind::Read
            | EffectKind::Write
            | EffectKind::Delete
            | EffectKind::Execute
            | EffectKind::Privilege
            | EffectKind::Persistence
            | EffectKind::Credential
            | EffectKind::Process
            | EffectKind::Package
            | EffectKind::History
            | EffectKind::RemoteCode
            | EffectKind::WrittenCode
            | EffectKind::LoadedCode
            | EffectKind::RemoteShell => ("–".to_owned(), Tone::Plain),
        },
    })
}

fn host_text(written: &str, class: NetworkClass) -> String {
    let class = match class {
        NetworkClass::Name | NetworkClass::Global | NetworkClass::Unknown => return written.into(),
        NetworkClass::Loopback => "this machine",
        NetworkClass::Private => "a private network",
        NetworkClass::LinkLocal => "this link",
        NetworkClass::Metadata => "the cloud's metadata service",
        NetworkClass::Multicast => "many hosts",
        NetworkClass::Unspecified => "no host",
    };
    format!("{written} ({class})")
}

fn path_text(fact: &PathFact) -> (String, Tone) {
    match &fact.resolved {
        Some(place) if fact.unknown => (format!("{place}, or elsewhere"), Tone::Careful),
        Some(place) => (place.clone(), Tone::Plain),
        None => ("a path that cannot be told".to_owned(), Tone::Careful),
    }
}

/// Returns whether an effect tells of a path already.
fn is_told(fact: &PathFact, request: &ActionRequest) -> bool {
    request.context.effects.iter().any(|effect| {
        effect.resource == EffectResource::Path(fact.written.clone())
            && (effect.causes == fact.causes || effect.causes.is_empty())
    })
}

/// Returns the words of the text that cause something.
fn causing(causes: &[Span], text: &str) -> String {
    let word = |span: &Span| text.get(span.start as usize..span.end as usize);
    let words: Vec<&str> = causes.iter().filter_map(word).map(str::trim).collect();
    words.join(" … ")
}
