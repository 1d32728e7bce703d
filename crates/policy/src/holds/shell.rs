//! Conditions on the commands of a command line.

use std::sync::Arc;

use aegis_types::{Action, Redirection, RedirectionKind, Wrapper};

use super::line::{Given, Line, Program, Text};
use super::options;
use super::sense::Sense;
use super::view::View;
use crate::matcher::{Matcher, ShellPattern};
use crate::pattern::{self, Glob};
use crate::truth::{Truth, WhyNot, WhyUnknown, any, every};

/// Files that swallow what is written to them.
pub(super) const SINKS: [&str; 4] = ["/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty"];

impl Matcher {
    pub(super) fn shell_holds(&self, view: View<'_, '_>, sense: Sense) -> Truth {
        if self.shell.is_empty() {
            return Truth::Yes;
        }
        if view.plan().is_none() && view.request().action != Action::ShellExec {
            return Truth::No(WhyNot::NoCommandLine);
        }
        // A part that runs no program is none of these commands, if it hides none.
        let runs_nothing = |line: &Line<'_>| matches!(line.program, Program::None);
        if view.is_part() && !view.hides_something() && view.lines().all(runs_nothing) {
            return Truth::No(WhyNot::Command { program: None });
        }
        let goes_by_text = self.shell.iter().any(ShellPattern::goes_by_text);
        if goes_by_text && sense.permits && sense.covers() {
            let plain = self.plain_holds(view);
            if plain != Truth::Yes {
                return plain;
            }
        }
        let truth = |line: &Line<'_>| {
            if sense.covers() {
                self.covers(view, line)
            } else {
                self.touches(line)
            }
        };
        sense.combine(view.lines().map(truth), view.hidden(sense), || {
            WhyNot::Command { program: None }
        })
    }

    /// Returns the commands that a restriction may be about.
    pub(super) fn lines_meant<'f, 'a>(
        &self,
        view: View<'f, 'a>,
    ) -> impl Iterator<Item = &'f Line<'a>> {
        view.lines().filter(|line| self.touches(line).is_possible())
    }

    /// Returns whether one of the patterns is about the command.
    fn touches(&self, line: &Line<'_>) -> Truth {
        if let Program::None = line.program {
            return Truth::No(WhyNot::Command { program: None });
        }
        any(
            self.shell.iter().map(|pattern| pattern.touches(line)),
            || WhyNot::Command { program: None },
        )
    }

    /// Returns whether the patterns allow the command and all that comes with it.
    fn covers(&self, view: View<'_, '_>, line: &Line<'_>) -> Truth {
        let program = || line.program.name().map(Arc::from);
        let command = || match line.program {
            Program::None => Truth::Yes,
            Program::Unknown => Truth::Unknown(WhyUnknown::Program),
            Program::Known { .. } => any(
                self.shell.iter().map(|pattern| pattern.covers(line)),
                || WhyNot::Command { program: program() },
            ),
        };
        let parts: [&dyn Fn() -> Truth; 3] = [
            &|| self.covers_wrappers(view, line),
            &|| self.covers_redirections(line),
            &|| variables_are_harmless(line),
        ];
        command().and(|| every(parts.into_iter().map(|part| part())))
    }

    /// A program that runs another one must be covered as well, here or where it
    /// is listed as a command of its own.
    fn covers_wrappers(&self, view: View<'_, '_>, line: &Line<'_>) -> Truth {
        every(line.command.through.iter().map(|wrapper| match wrapper {
            Wrapper::Program(program) => {
                let name = options::base_name(program);
                let is_covered = options::is_transparent(name)
                    || view.lists_runner(line, name)
                    || self
                        .shell
                        .iter()
                        .any(|pattern| pattern.is_any_use() && pattern.names_program(name));
                if is_covered && line.is_shadowed(program) {
                    return Truth::Unknown(WhyUnknown::Folder {
                        program: Arc::from(name),
                    });
                }
                Truth::of(is_covered, || WhyNot::Command {
                    program: Some(Arc::from(name)),
                })
            }
            Wrapper::Substitution
            | Wrapper::ProcessSubstitution
            | Wrapper::Subshell
            | Wrapper::Compound
            | Wrapper::Function(_)
            | Wrapper::Text => Truth::Yes,
        }))
    }

    /// What is written by a redirection is not the command's doing; where the
    /// rule names paths, it is among the paths that must be covered.
    fn covers_redirections(&self, line: &Line<'_>) -> Truth {
        if !self.path.is_empty() {
            return Truth::Yes;
        }
        Truth::of(!line.command.redirections.iter().any(writes_a_file), || {
            WhyNot::Redirection
        })
    }
}

fn writes_a_file(redirection: &Redirection) -> bool {
    match redirection.kind {
        RedirectionKind::Write | RedirectionKind::Append | RedirectionKind::ReadWrite => {
            !redirection
                .target
                .literal()
                .is_some_and(|target| SINKS.contains(&&*target))
        }
        RedirectionKind::Read | RedirectionKind::Text | RedirectionKind::Descriptor => false,
    }
}

fn variables_are_harmless(line: &Line<'_>) -> Truth {
    let harmful = line
        .command
        .assignments
        .iter()
        .find(|assignment| !options::is_harmless_variable(&assignment.name));
    match harmful {
        Some(assignment) => Truth::Unknown(WhyUnknown::Variable {
            name: Arc::from(&*assignment.name),
        }),
        None => Truth::Yes,
    }
}

impl Line<'_> {
    /// Returns whether the program is given exactly these words.
    fn is_given(&self, words: &[Arc<str>], unknown: impl Fn() -> WhyUnknown) -> Truth {
        let given = &self.command.arguments;
        let not = || WhyNot::Command {
            program: self.program.name().map(Arc::from),
        };
        // An unknown word may be several, or none.
        if given.iter().any(|word| word.literal().is_none()) {
            return Truth::Unknown(unknown());
        }
        let is_same = given.len() == words.len()
            && given
                .iter()
                .zip(words)
                .all(|(given, word)| given.literal().as_deref() == Some(&**word));
        Truth::of(is_same, not)
    }
}

impl ShellPattern {
    /// Returns whether it is about the program of this name.
    fn names_program(&self, name: &str) -> bool {
        self.program.is_empty() || self.program.iter().any(|glob| glob.matches(name))
    }

    /// Returns whether it is about the program, whatever its arguments.
    fn is_any_use(&self) -> bool {
        self.subcommand.is_empty()
            && self.flags.is_empty()
            && self.arguments.is_empty()
            && self.line.is_empty()
            && self.words.is_none()
            && self.options.is_empty()
            && self.text.is_empty()
            && self.sql.is_empty()
    }

    fn goes_by_text(&self) -> bool {
        !(self.line.is_empty() && self.text.is_empty() && self.sql.is_empty())
    }

    fn touches(&self, line: &Line<'_>) -> Truth {
        let (written, name) = match &line.program {
            Program::None => return Truth::No(WhyNot::Command { program: None }),
            // Such a word may bring its own arguments with it.
            Program::Unknown => return Truth::Unknown(WhyUnknown::Program),
            Program::Known { written, .. } => (&**written, line.program.name().unwrap_or_default()),
        };
        let not = || WhyNot::Command { program: None };
        if !self.names_program(name) {
            let is_named = |wrapper: &Wrapper| {
                matches!(wrapper, Wrapper::Program(program)
                    if self.names_program(options::base_name(program)))
            };
            let runs_it = self.is_any_use() && line.command.through.iter().any(is_named);
            return Truth::of(runs_it, not);
        }
        let program = || Arc::from(name);
        let unknown_arguments = || WhyUnknown::Arguments { program: program() };
        let subcommand = || self.names_subcommand(line, unknown_arguments);
        let flags = || {
            every(self.flags.iter().map(|flag| match line.gives(flag) {
                Given::Yes => Truth::Yes,
                Given::Maybe => Truth::Unknown(WhyUnknown::Option { program: program() }),
                Given::No => Truth::No(not()),
            }))
        };
        let arguments = || {
            every(self.arguments.iter().map(|glob| {
                if line.words.iter().any(|word| glob.matches(&word.shown)) {
                    Truth::Yes
                } else if line.words.iter().any(|word| word.may_match(glob)) {
                    Truth::Unknown(unknown_arguments())
                } else {
                    Truth::No(not())
                }
            }))
        };
        let words = || match &self.words {
            Some(words) => line.is_given(words, unknown_arguments),
            None => Truth::Yes,
        };
        let as_written = || self.line_touches(line, written);
        subcommand()
            .and(flags)
            .and(arguments)
            .and(words)
            .and(as_written)
            .and(|| self.options_hold(line, true))
            .and(|| self.told_holds(line, true))
    }

    fn names_subcommand(&self, line: &Line<'_>, unknown: impl Fn() -> WhyUnknown) -> Truth {
        if self.subcommand.is_empty() {
            return Truth::Yes;
        }
        let mut given = Given::No;
        for place in 0..line.possible_subcommands().count() {
            let words = line.words.get(place..).unwrap_or_default();
            let named = self.subcommand.iter().map(|glob| names(glob, words));
            given = given.max(named.max().unwrap_or(Given::No));
        }
        match given {
            Given::Yes => Truth::Yes,
            Given::No if !line.hides_subcommand => Truth::No(WhyNot::Command { program: None }),
            Given::No | Given::Maybe => Truth::Unknown(unknown()),
        }
    }

    fn covers(&self, line: &Line<'_>) -> Truth {
        let Program::Known { written, .. } = &line.program else {
            return Truth::Unknown(WhyUnknown::Program);
        };
        let name = line.program.name().unwrap_or_default();
        let program = || Arc::from(name);
        let not = || WhyNot::Command { program: None };
        if !self.names_program(name) {
            return Truth::No(not());
        }
        let Some(length) = self.subcommand_words(line) else {
            return Truth::No(not());
        };
        let arguments = line.words.get(length..).unwrap_or_default();
        let unknown_words = || WhyUnknown::Arguments { program: program() };
        let words = match &self.words {
            Some(words) => line.is_given(words, unknown_words),
            None => Truth::Yes,
        };
        let reads = |redirection: &Redirection| redirection.is_input();
        if words != Truth::Yes {
            return words;
        }
        // What a program reads instead of its words may say more than they do.
        if self.words.is_some() && line.command.redirections.iter().any(reads) {
            return Truth::No(WhyNot::Redirection);
        }
        let has_all = self.flags.iter().all(|flag| line.gives(flag) == Given::Yes)
            && self.covers_arguments(arguments)
            && self.line_covers(line, written);
        if !has_all {
            return Truth::No(not());
        }
        let told = self
            .options_hold(line, false)
            .and(|| self.told_holds(line, false));
        if told != Truth::Yes {
            return told;
        }
        let names_one = !(self.program.is_empty() && self.line.is_empty());
        if names_one && !self.is_sure_of(line) {
            return Truth::Unknown(WhyUnknown::Folder {
                program: Arc::from(&**written),
            });
        }
        if line.has_unknown_words || line.names_branch {
            return Truth::Unknown(WhyUnknown::Arguments { program: program() });
        }
        if self.is_doubtful(line) {
            return Truth::Unknown(WhyUnknown::Option { program: program() });
        }
        Truth::Yes
    }

    /// Returns how many words the subcommand has, if the command names it first.
    fn subcommand_words(&self, line: &Line<'_>) -> Option<usize> {
        if self.subcommand.is_empty() {
            return Some(0);
        }
        self.subcommand
            .iter()
            .find(|glob| names(glob, &line.words) == Given::Yes)
            .map(|glob| glob.as_str().split_whitespace().count())
    }

    /// Each glob matches an argument, and each argument a glob.
    fn covers_arguments(&self, arguments: &[Text<'_>]) -> bool {
        if self.arguments.is_empty() {
            return true;
        }
        let matches =
            |glob: &Glob, word: &Text<'_>| glob.matches(&word.shown) && !climbs(&word.shown);
        self.arguments
            .iter()
            .all(|glob| arguments.iter().any(|word| matches(glob, word)))
            && arguments
                .iter()
                .all(|word| self.arguments.iter().any(|glob| matches(glob, word)))
    }

    /// Returns whether an option may take back or take away what is covered.
    fn is_doubtful(&self, line: &Line<'_>) -> bool {
        let program = line.program.name().unwrap_or_default();
        let flags = self
            .flags
            .iter()
            .any(|flag| line.revokes(flag) || line.is_doubtful(flag));
        let subcommand = !self.subcommand.is_empty()
            && line.globals.iter().any(|option| {
                !options::is_harmless_global(program, option)
                    && !self.flags.iter().any(|flag| **flag == **option)
            });
        flags || subcommand
    }
}

/// Returns whether a path leaves the folder it seems to lie in.
fn climbs(path: &str) -> bool {
    path.split('/').any(|step| step == "..")
}

/// Returns whether the words begin with those of a subcommand.
fn names(subcommand: &Glob, words: &[Text<'_>]) -> Given {
    let mut words = words.iter();
    for wanted in subcommand.as_str().split_whitespace() {
        match words.next() {
            Some(word) if !word.is_literal => return Given::Maybe,
            Some(word) if word_matches(wanted, &word.shown) => {}
            Some(_) | None => return Given::No,
        }
    }
    Given::Yes
}

fn word_matches(wanted: &str, word: &str) -> bool {
    wanted == word || pattern::matches(wanted, word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aegis_types::{
        Assignment, Command, Directory, Place, Plan, ProgramFact, ProgramStanding, Span,
        UnknownCause, Verdict, Word, WordPart,
    };

    /// Reads a test line: blanks part words, `|` commands, `$x` is unknown,
    /// `$(branch)` is the present branch, `*` a pattern, `A=b` before the program
    /// a variable, `>f` and `<f` a redirection, and `by:p` stands for being run by the
    /// program `p`.
    fn plan(text: &str) -> Plan {
        Plan {
            commands: text.split('|').map(command).collect(),
            ..Plan::default()
        }
    }

    fn word(text: &str) -> Word {
        let mut parts = Vec::new();
        let (before, variable) = text.split_once('$').unwrap_or((text, ""));
        match before {
            "" => {}
            pattern if pattern.contains('*') => parts.push(WordPart::Pattern(pattern.to_owned())),
            literal => parts.push(WordPart::Literal(literal.to_owned())),
        }
        if variable == "(branch)" {
            parts.push(WordPart::Unknown(UnknownCause::Branch));
        } else if let Some((name, rest)) = variable.split_once('/') {
            parts.push(WordPart::Unknown(UnknownCause::Variable(name.to_owned())));
            parts.push(WordPart::Literal(format!("/{rest}")));
        } else if !variable.is_empty() {
            parts.push(WordPart::Unknown(UnknownCause::Variable(
                variable.to_owned(),
            )));
        }
        Word {
            span: Span::default(),
            parts,
            ..Word::default()
        }
    }

    fn command(text: &str) -> Command {
        let mut command = Command {
            span: Span::default(),
            program: None,
            arguments: Vec::new(),
            assignments: Vec::new(),
            redirections: Vec::new(),
            through: Vec::new(),
            directory: Directory::Start,
            place: Place::default(),
        };
        for text in text.split_whitespace() {
            if let Some(program) = text.strip_prefix("by:") {
                command.through.push(Wrapper::Program(program.to_owned()));
            } else if let Some(file) = text.strip_prefix(['>', '<']) {
                command.redirections.push(Redirection {
                    kind: match text.starts_with('>') {
                        true => RedirectionKind::Write,
                        false => RedirectionKind::Read,
                    },
                    target: word(file),
                    descriptor: None,
                });
            } else if command.program.is_some() {
                command.arguments.push(word(text));
            } else if let Some((name, value)) = text.split_once('=') {
                command.assignments.push(Assignment {
                    name: name.to_owned(),
                    value: word(value),
                });
            } else {
                command.program = Some(word(text));
            }
        }
        command
    }

    fn pattern(program: &str, subcommand: &str, flags: &[&str], arguments: &[&str]) -> Matcher {
        let some = |text: &str| match text {
            "" => Vec::new(),
            text => vec![Glob::new(text)],
        };
        Matcher {
            shell: vec![ShellPattern {
                program: some(program),
                subcommand: some(subcommand),
                flags: flags.iter().copied().map(Arc::from).collect(),
                arguments: arguments.iter().copied().map(Glob::new).collect(),
                ..ShellPattern::default()
            }],
            ..Matcher::default()
        }
    }

    fn truth(matcher: &Matcher, plan: Plan, verdict: Verdict) -> Truth {
        let mut request = crate::holds::tests::shell_request();
        request.context.plan = Some(plan);
        matcher.holds(&request, verdict)
    }

    /// The shape of an answer: yes, no or unknown.
    fn check(matcher: &Matcher, line: &str, verdict: Verdict) -> &'static str {
        match truth(matcher, plan(line), verdict) {
            Truth::Yes => "yes",
            Truth::No(_) => "no",
            Truth::Unknown(_) => "unknown",
        }
    }

    fn denies(matcher: &Matcher, line: &str) -> &'static str {
        check(matcher, line, Verdict::Deny)
    }

    fn allows(matcher: &Matcher, line: &str) -> &'static str {
        check(matcher, line, Verdict::Allow)
    }

    #[test]
    fn a_force_push_is_one_in_every_spelling() {
        let rule = pattern("git", "push", &["--force"], &[]);
        for line in [
            "git push --force",
            "git push origin main --force",
            "git push -f",
            "git push -uf origin main",
            "git push origin +main",
            "git -C dir push --force",
            "git -c push.default=current push -f",
            "git --git-dir x push --force=yes",
            "/usr/bin/git push --force",
            "ls | git push --force",
            "by:sudo git push --force",
        ] {
            assert_eq!(denies(&rule, line), "yes", "{line}");
        }
        for line in [
            "git push origin feature-f",
            "git push --force-with-lease",
            "git push -- --force",
            "git commit -m push --force",
            "git -C push status --force",
            "echo git push --force",
            "git pull --force",
        ] {
            assert_eq!(denies(&rule, line), "no", "{line}");
        }
    }

    #[test]
    fn what_may_be_a_force_push_is_unknown() {
        let rule = pattern("git", "push", &["--force"], &[]);
        for line in [
            "git push $options",
            "git push origin $branch",
            "git $subcommand --force",
            "git push --forc",
            "git push *",
            "$git push",
            "git -C $dir status",
        ] {
            assert_eq!(denies(&rule, line), "unknown", "{line}");
        }
        for line in [
            "echo $x",
            "git commit -m $message",
            "git push *.txt",
            "rm $x",
        ] {
            assert_eq!(denies(&rule, line), "no", "{line}");
        }
    }

    #[test]
    fn the_present_branch_is_no_option_and_satisfies_no_allow() {
        let force = pattern("git", "push", &["--force"], &[]);
        assert_eq!(denies(&force, "git push origin $(branch)"), "no");
        assert_eq!(denies(&force, "git push origin $(branch) -f"), "yes");
        let push = pattern("git", "push", &[], &[]);
        assert_eq!(allows(&push, "git push origin HEAD"), "yes");
        assert_eq!(allows(&push, "git push origin $(branch)"), "unknown");
        let remove = pattern("rm", "", &["-r"], &[]);
        assert_eq!(denies(&remove, "rm $(branch)"), "unknown");
    }

    #[test]
    fn flags_are_given_together_apart_short_and_long() {
        let rule = pattern("rm", "", &["-r", "-f"], &[]);
        for line in [
            "rm -rf x",
            "rm -r -f x",
            "rm -fr x",
            "rm x -R --force",
            "rm --recursive --force x",
            "rm -vrf x",
        ] {
            assert_eq!(denies(&rule, line), "yes", "{line}");
        }
        for line in ["rm -r x", "rm -f x", "rm x", "rmdir -rf x", "rm -- -rf"] {
            assert_eq!(denies(&rule, line), "no", "{line}");
        }
        let joined = pattern("rm", "", &["-rf"], &[]);
        assert_eq!(denies(&joined, "rm -r --force x"), "yes");
        assert_eq!(denies(&joined, "rm -r x"), "no");
    }

    #[test]
    fn a_program_is_known_by_the_end_of_its_path() {
        let rule = pattern("rm", "", &[], &[]);
        assert_eq!(denies(&rule, "$dir/rm x"), "yes");
        assert_eq!(denies(&rule, "$dir/ls x"), "no");
        assert_eq!(allows(&rule, "$dir/rm x"), "unknown");
        assert_eq!(allows(&rule, "./rm x"), "unknown");
        assert_eq!(allows(&rule, "/bin/rm x"), "yes");
    }

    #[test]
    fn a_name_that_may_stand_for_another_program_satisfies_no_allow() {
        let allows = |line: &str, name: &str, standing| {
            let mut request = crate::holds::tests::shell_request();
            request.context.plan = Some(plan(line));
            request.context.programs = vec![ProgramFact {
                name: name.to_owned(),
                resolved: None,
                standing,
            }];
            let rule = pattern("git", "", &[], &[]);
            let denies = rule.holds(&request, Verdict::Deny) == Truth::Yes;
            (rule.holds(&request, Verdict::Allow), denies)
        };
        for standing in [
            ProgramStanding::Trusted,
            ProgramStanding::Own,
            ProgramStanding::Absent,
        ] {
            assert_eq!(allows("git status", "git", standing), (Truth::Yes, true));
        }
        let shadowed = ProgramStanding::Shadowed;
        let (allowed, denied) = allows("git status", "git", shadowed);
        assert!(allowed.is_unknown() && denied);
        assert!(
            allows("by:timeout git status", "timeout", shadowed)
                .0
                .is_unknown()
        );
        assert_eq!(allows("/usr/bin/git status", "git", shadowed).0, Truth::Yes);
        assert_eq!(allows("git status", "ls", shadowed).0, Truth::Yes);
    }

    #[test]
    fn an_allow_must_cover_every_command() {
        let rule = pattern("ls", "", &[], &[]);
        assert_eq!(allows(&rule, "ls -l"), "yes");
        assert_eq!(allows(&rule, "ls | ls a"), "yes");
        assert_eq!(allows(&rule, "ls | rm x"), "no");
        assert_eq!(allows(&rule, "ls $x"), "unknown");
        assert_eq!(allows(&rule, "$ls"), "unknown");
    }

    #[test]
    fn an_allow_covers_no_wrapper_redirection_or_variable() {
        let rule = pattern("ls", "", &[], &[]);
        assert_eq!(allows(&rule, "by:sudo ls"), "no");
        assert_eq!(allows(&rule, "by:timeout ls"), "yes");
        assert_eq!(allows(&rule, "ls >file"), "no");
        assert_eq!(allows(&rule, "ls >/dev/null"), "yes");
        assert_eq!(allows(&rule, "PATH=/tmp ls"), "unknown");
        assert_eq!(allows(&rule, "TERM=dumb ls"), "yes");
        assert_eq!(allows(&rule, "PATH=/tmp | ls"), "unknown");
        let sudo = pattern("sudo", "", &[], &[]);
        assert_eq!(denies(&sudo, "by:sudo ls"), "yes");
        assert_eq!(denies(&sudo, "by:nice ls"), "no");
    }

    #[test]
    fn an_allow_of_a_subcommand_covers_no_option_that_changes_it() {
        let rule = pattern("git", "status", &[], &[]);
        assert_eq!(allows(&rule, "git status -s"), "yes");
        assert_eq!(allows(&rule, "git --no-pager status"), "yes");
        assert_eq!(
            allows(&rule, "git -c core.fsmonitor=evil status"),
            "unknown"
        );
        assert_eq!(allows(&rule, "git --exec-path=/tmp status"), "unknown");
        assert_eq!(allows(&rule, "git push"), "no");
        let dry = pattern("git", "push", &["--dry-run"], &[]);
        assert_eq!(allows(&dry, "git push --dry-run"), "yes");
        assert_eq!(allows(&dry, "git push --dry-run --no-dry-run"), "unknown");
        assert_eq!(allows(&dry, "git push -o --dry-run"), "unknown");
    }

    #[test]
    fn an_allow_of_arguments_covers_every_argument() {
        let rule = pattern("rm", "", &[], &["build/**"]);
        assert_eq!(allows(&rule, "rm build/a build/b"), "yes");
        assert_eq!(allows(&rule, "rm build/a /etc/passwd"), "no");
        assert_eq!(allows(&rule, "rm build/../src"), "no");
        assert_eq!(denies(&rule, "rm /etc/passwd build/a"), "yes");
        assert_eq!(denies(&rule, "rm $x"), "unknown");
        assert_eq!(denies(&rule, "rm /etc/passwd"), "no");
    }

    #[test]
    fn words_are_all_that_a_program_is_given() {
        let exactly = |words: &[&str]| {
            let mut rule = pattern("git", "", &[], &[]);
            rule.shell[0].words = Some(words.iter().copied().map(Arc::from).collect());
            rule
        };
        let rule = exactly(&["push", "origin", "v1"]);
        assert_eq!(allows(&rule, "git push origin v1"), "yes");
        assert_eq!(allows(&rule, "git push --force origin v1"), "no");
        assert_eq!(allows(&rule, "git push origin v1 v2"), "no");
        assert_eq!(allows(&rule, "git push v1 origin"), "no");
        assert_eq!(allows(&rule, "git push origin $x"), "unknown");
        assert_eq!(allows(&rule, "git config ~/x"), "no");
        assert_eq!(allows(&rule, "git push origin *"), "unknown");
        assert_eq!(allows(&rule, "git push origin v1 <list"), "no");
        assert_eq!(allows(&rule, "git push origin v1 >list"), "no");
        assert_eq!(denies(&rule, "git push origin v1 <list"), "yes");
        assert_eq!(denies(&rule, "git push origin $x"), "unknown");
        assert_eq!(denies(&rule, "git push origin"), "no");
        assert_eq!(allows(&exactly(&[]), "git"), "yes");
        assert_eq!(allows(&exactly(&[]), "git push"), "no");
    }

    #[test]
    fn a_subcommand_may_have_several_words() {
        let rule = pattern("git", "remote add", &[], &[]);
        assert_eq!(denies(&rule, "git remote add evil url"), "yes");
        assert_eq!(denies(&rule, "git remote show"), "no");
        assert_eq!(denies(&rule, "git remote $x"), "unknown");
        assert_eq!(denies(&rule, "git remote"), "no");
    }

    #[test]
    fn a_word_after_an_unknown_option_may_be_its_value() {
        let rule = pattern("tool", "delete", &[], &[]);
        assert_eq!(denies(&rule, "tool --profile x delete"), "yes");
        assert_eq!(denies(&rule, "tool show delete"), "no");
    }

    #[test]
    fn what_cannot_be_parsed_may_be_any_command() {
        let rule = pattern("git", "push", &["--force"], &[]);
        let mut broken = plan("ls");
        broken.unknowns.push(aegis_types::Unknown {
            span: Span::default(),
            cause: UnknownCause::Syntax,
        });
        assert!(truth(&rule, broken.clone(), Verdict::Ask).is_unknown());
        assert!(truth(&pattern("ls", "", &[], &[]), broken, Verdict::Allow).is_unknown());
    }

    #[test]
    fn code_of_another_language_is_unknown_to_an_allow_only() {
        let mut code = plan("python -c x");
        code.unknowns.push(aegis_types::Unknown {
            span: Span::default(),
            cause: UnknownCause::Code("python".to_owned()),
        });
        let push = pattern("git", "push", &[], &[]);
        assert!(!truth(&push, code.clone(), Verdict::Deny).is_possible());
        let python = pattern("python", "", &[], &[]);
        assert!(truth(&python, code, Verdict::Allow).is_unknown());
    }

    #[test]
    fn a_tool_without_a_command_line_runs_no_command() {
        let mut request = crate::holds::tests::shell_request();
        let rule = pattern("git", "", &[], &[]);
        assert!(rule.holds(&request, Verdict::Deny).is_unknown());
        request.action = Action::FsRead;
        assert!(!rule.holds(&request, Verdict::Deny).is_possible());
    }
}
