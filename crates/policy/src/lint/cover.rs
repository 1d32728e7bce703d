//! Whether one rule is about all that another one is about.
//!
//! A yes is a proof; a no may only mean that none was found.

use aegis_types::{Access, EffectKind, Verdict};

use super::overlap::names_overlap;
use crate::holds::other_name;
use crate::matcher::{HostPattern, Matcher, PathPattern, ShellPattern};
use crate::pattern::Glob;
use crate::rule::Rule;
use crate::when::When;

/// How many globs one glob with braces stands for, at most.
const BRACES_MAX: usize = 128;

/// Effects that arise from several commands together.
const TOGETHER: [EffectKind; 4] = [
    EffectKind::Upload,
    EffectKind::RemoteCode,
    EffectKind::WrittenCode,
    EffectKind::RemoteShell,
];

/// How deep matchers are looked into.
const DEPTH_MAX: usize = 8;

/// A rule, and what it is about as alternatives.
pub(super) struct Spread<'r> {
    pub(super) rule: &'r Rule,
    pub(super) alternatives: Vec<Matcher>,
}

impl<'r> Spread<'r> {
    pub(super) fn new(rule: &'r Rule) -> Self {
        Self {
            rule,
            alternatives: alternatives(&rule.matcher, 0),
        }
    }
}

/// Returns whether `wide` holds, for everything that is known, whenever `narrow` does.
pub(super) fn rule_covers(wide: &Rule, narrow: &Spread<'_>) -> bool {
    // An allow wants every path to be one of its own, and the others only one.
    let every = wide.verdict == Verdict::Allow && narrow.rule.verdict != Verdict::Allow;
    when_covers(&wide.when, &narrow.rule.when)
        && narrow
            .alternatives
            .iter()
            .all(|it| covers_one(&wide.matcher, it, every, 0))
}

/// Returns whether a rule is about things that may be unknown.
pub(super) fn may_be_unknown(matcher: &Matcher) -> bool {
    anywhere(matcher, &|it| {
        let is_plain = it.params.is_empty()
            && it.shell.is_empty()
            && it.path.is_empty()
            && it.host.is_empty()
            && it.effect.is_empty();
        !is_plain || it.risk.is_some()
    })
}

/// Returns whether something holds of a matcher or of one in it.
///
/// The depth of a policy's text is bounded, so the recursion is.
fn anywhere(matcher: &Matcher, holds: &impl Fn(&Matcher) -> bool) -> bool {
    let inner = matcher.any.iter().chain(&matcher.all);
    holds(matcher)
        || inner
            .chain(matcher.not.as_deref())
            .any(|it| anywhere(it, holds))
}

fn when_covers(wide: &When, narrow: &When) -> bool {
    let environment = wide.environment.is_empty()
        || !narrow.environment.is_empty()
            && narrow
                .environment
                .iter()
                .all(|it| wide.environment.contains(it));
    environment
        && (wide.tier.is_none() || wide.tier == narrow.tier)
        && (wide.calls.is_none() || wide.calls == narrow.calls)
        && (wide.time.is_empty() || wide.time == narrow.time)
        && (wide.taint.is_empty() || wide.taint == narrow.taint)
}

/// Returns whether `wide` is about all that `narrow` is about.
pub(super) fn covers(wide: &Matcher, narrow: &Matcher) -> bool {
    let alternatives = alternatives(narrow, 0);
    alternatives.iter().all(|it| covers_one(wide, it, false, 0))
}

/// Returns what a matcher is about as alternatives without `any` and `all`;
/// each may be about more, and never about less.
pub(crate) fn alternatives(matcher: &Matcher, depth: usize) -> Vec<Matcher> {
    let mut own = matcher.clone();
    own.any = Vec::new();
    own.all = Vec::new();
    if depth >= DEPTH_MAX {
        return vec![own];
    }
    for one in &matcher.all {
        let mut one = one.clone();
        one.any = Vec::new();
        one.all = Vec::new();
        own = both(own, one);
    }
    if matcher.any.is_empty() {
        return vec![own];
    }
    let choices = matcher.any.iter();
    choices
        .flat_map(|choice| alternatives(choice, depth + 1))
        .map(|choice| both(own.clone(), choice))
        .collect()
}

/// Returns what both say; where both name patterns of a kind, those of `inner`.
fn both(own: Matcher, inner: Matcher) -> Matcher {
    fn pick<T>(own: Vec<T>, inner: Vec<T>) -> Vec<T> {
        if inner.is_empty() { own } else { inner }
    }
    let mut params = own.params;
    params.extend(inner.params);
    Matcher {
        tool: pick(own.tool, inner.tool),
        action: pick(own.action, inner.action),
        resource: pick(own.resource, inner.resource),
        agent: pick(own.agent, inner.agent),
        skill: pick(own.skill, inner.skill),
        risk: inner.risk.or(own.risk),
        params,
        shell: pick(own.shell, inner.shell),
        path: pick(own.path, inner.path),
        host: pick(own.host, inner.host),
        effect: pick(own.effect, inner.effect),
        any: Vec::new(),
        all: Vec::new(),
        not: inner.not.or(own.not),
    }
}

/// Returns whether `wide` is about all that `narrow` is about, which has no
/// alternatives; `every` says that `wide` wants every path, host and effect of a
/// command to be one of its own.
fn covers_one(wide: &Matcher, narrow: &Matcher, every: bool, depth: usize) -> bool {
    let is_one_of_many = !(wide.path.is_empty() && wide.host.is_empty() && wide.effect.is_empty());
    if depth >= DEPTH_MAX || every && is_one_of_many {
        return false;
    }
    // What several commands do together is a part that an allow of one of them
    // is not about.
    let is_together = narrow.effect.iter().any(|it| TOGETHER.contains(it));
    if every && is_together && !wide.shell.is_empty() {
        return false;
    }
    // What an effect is done to is not all that the command touches.
    let is_apart = wide.effect.is_empty() != narrow.effect.is_empty()
        && !(wide.path.is_empty() && wide.host.is_empty());
    if is_apart {
        return false;
    }
    let same = |left: &[_], right: &[_]| {
        left.is_empty() || !right.is_empty() && right.iter().all(|it| left.contains(it))
    };
    names_cover(&wide.tool, &narrow.tool)
        && same(&wide.action, &narrow.action)
        && names_cover(&wide.resource, &narrow.resource)
        && names_cover(&wide.agent, &narrow.agent)
        && names_cover(&wide.skill, &narrow.skill)
        && (wide.risk.is_none() || wide.risk == narrow.risk)
        && wide.params.iter().all(|it| narrow.params.contains(it))
        && each(&wide.shell, &narrow.shell, shell_covers)
        && each(&wide.path, &narrow.path, path_covers)
        && each(&wide.host, &narrow.host, host_covers)
        && (wide.effect.is_empty()
            || !narrow.effect.is_empty() && narrow.effect.iter().all(|it| wide.effect.contains(it)))
        && wide
            .all
            .iter()
            .all(|it| covers_one(it, narrow, every, depth + 1))
        && (wide.any.is_empty()
            || wide
                .any
                .iter()
                .any(|it| covers_one(it, narrow, every, depth + 1)))
        && (wide.not.is_none() || wide.not == narrow.not || excludes_other_tools(wide, narrow))
}

/// Returns whether all that `wide` leaves out is tools that `narrow` is not about.
fn excludes_other_tools(wide: &Matcher, narrow: &Matcher) -> bool {
    let Some(left_out) = wide.not.as_deref() else {
        return true;
    };
    let only_tools = Matcher {
        tool: left_out.tool.clone(),
        ..Matcher::default()
    };
    let mut pairs = left_out
        .tool
        .iter()
        .flat_map(|out| narrow.tool.iter().map(move |it| (out, it)));
    *left_out == only_tools
        && !narrow.tool.is_empty()
        && !pairs.any(|(out, it)| {
            let other = other_name(it.as_str()).map(|other| Glob(other.into()));
            names_overlap(out, it) || other.is_some_and(|other| names_overlap(out, &other))
        })
}

/// Returns whether each of `narrow` is covered by one of `wide`; nothing given
/// means everything.
fn each<T>(wide: &[T], narrow: &[T], covers: impl Fn(&T, &T) -> bool) -> bool {
    wide.is_empty()
        || !narrow.is_empty()
            && narrow
                .iter()
                .all(|it| wide.iter().any(|wide| covers(wide, it)))
}

fn names_cover(wide: &[Glob], narrow: &[Glob]) -> bool {
    let is_any = |glob: &Glob| matches!(glob.as_str(), "*" | "**");
    wide.iter().any(is_any) || each(wide, narrow, name_covers)
}

fn shell_covers(wide: &ShellPattern, narrow: &ShellPattern) -> bool {
    let subcommand = |wide: &Glob, narrow: &Glob| {
        name_covers(wide, narrow)
            || narrow
                .as_str()
                .strip_prefix(wide.as_str())
                .is_some_and(|rest| wide.is_literal() && rest.starts_with(' '))
    };
    let mut arguments = wide.arguments.iter();
    names_cover(&wide.program, &narrow.program)
        && each(&wide.subcommand, &narrow.subcommand, subcommand)
        && each(&wide.line, &narrow.line, |wide, narrow| wide == narrow)
        && (wide.words.is_none() || wide.words == narrow.words)
        && wide.options.iter().all(|it| narrow.options.contains(it))
        && each(&wide.text, &narrow.text, |wide, narrow| wide == narrow)
        && each(&wide.sql, &narrow.sql, |wide, narrow| wide == narrow)
        && wide.flags.iter().all(|it| narrow.flags.contains(it))
        && arguments.all(|it| {
            narrow
                .arguments
                .iter()
                .any(|narrow| name_covers(it, narrow))
        })
}

fn path_covers(wide: &PathPattern, narrow: &PathPattern) -> bool {
    let any = Access::default();
    let access =
        wide.access == any || narrow.access != any && narrow.access.or(wide.access) == wide.access;
    access && each(&wide.glob, &narrow.glob, path_glob_covers)
}

fn host_covers(wide: &HostPattern, narrow: &HostPattern) -> bool {
    let same = |wide: &[_], narrow: &[_]| each(wide, narrow, |wide, narrow| wide == narrow);
    names_cover(&wide.name, &narrow.name)
        && each(&wide.scheme, &narrow.scheme, |wide, narrow| wide == narrow)
        && each(&wide.port, &narrow.port, |wide, narrow| wide == narrow)
        && same(&wide.class, &narrow.class)
}

/// Returns whether one glob on names matches all that another one does.
pub(super) fn name_covers(wide: &Glob, narrow: &Glob) -> bool {
    by_alternatives(wide, narrow, |wide, narrow| {
        if wide == narrow || wide == "**" || wide == "*" && !narrow.contains("**") {
            return true;
        }
        if is_literal(narrow) {
            return Glob(wide.into()).matches(narrow);
        }
        // Everything that begins or ends so, as far as a name goes.
        let rest = |text: &str| !text.contains('/');
        match (wide.strip_suffix('*'), wide.strip_prefix('*')) {
            (Some(start), _) if is_literal(start) => narrow.strip_prefix(start).is_some_and(rest),
            (_, Some(end)) if is_literal(end) => narrow.strip_suffix(end).is_some_and(rest),
            _ => false,
        }
    })
}

/// Returns whether one glob on paths matches all that another one does.
pub(super) fn path_glob_covers(wide: &Glob, narrow: &Glob) -> bool {
    by_alternatives(wide, narrow, |wide, narrow| {
        if wide == narrow || matches!(wide, "**" | "/**" | "**/*") {
            return true;
        }
        if let Some(folder) = wide.strip_suffix("/**").filter(|it| is_literal(it)) {
            return narrow
                .strip_prefix(folder)
                .is_some_and(|rest| rest.starts_with('/'));
        }
        if let Some(end) = wide.strip_prefix("**/").filter(|it| is_literal(it)) {
            return narrow
                .strip_suffix(end)
                .is_some_and(|rest| rest.ends_with('/'));
        }
        let is_same_root = |root: &str| wide.starts_with(root) && narrow.starts_with(root);
        let has_root = ["/", "~/", "./", "**/"].iter().any(|it| is_same_root(it));
        has_root && is_literal(narrow) && Glob(wide.into()).matches(narrow)
    })
}

/// Returns whether each alternative of `narrow` is covered by one of `wide`.
fn by_alternatives(wide: &Glob, narrow: &Glob, covers: impl Fn(&str, &str) -> bool) -> bool {
    let wide = expanded(wide.as_str());
    expanded(narrow.as_str())
        .iter()
        .all(|narrow| wide.iter().any(|wide| covers(wide, narrow)))
}

fn is_literal(text: &str) -> bool {
    Glob(text.into()).is_literal()
}

/// Returns the globs that one with braces stands for; itself if they are too many.
pub(super) fn expanded(glob: &str) -> Vec<String> {
    let mut done = Vec::new();
    let mut open = vec![glob.to_owned()];
    while let Some(text) = open.pop() {
        let Some((before, choices, after)) = first_braces(&text) else {
            done.push(text);
            continue;
        };
        if done.len() + open.len() + choices.len() > BRACES_MAX {
            return vec![glob.to_owned()];
        }
        let whole = |choice: &&str| format!("{before}{choice}{after}");
        open.extend(choices.iter().map(whole));
    }
    done
}

/// Returns what stands before the first braces, between their commas, and after.
fn first_braces(text: &str) -> Option<(&str, Vec<&str>, &str)> {
    let start = text.find('{').filter(|_| !text.contains('\\'))?;
    let (before, rest) = text.split_at(start);
    let inner = rest.strip_prefix('{')?;
    let mut depth = 0;
    let mut choices = Vec::new();
    let mut from = 0;
    for (at, letter) in inner.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => {
                choices.push(inner.get(from..at)?);
                return Some((before, choices, inner.get(at + 1..)?));
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                choices.push(inner.get(from..at)?);
                from = at + 1;
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_on_names_covers_what_it_surely_matches() {
        for (wide, narrow, expected) in [
            ("git", "git", true),
            ("*", "mcp__*", true),
            ("mcp__*", "mcp__github__*", true),
            ("{git,hg}", "git", true),
            ("git", "{git,hg}", false),
            ("python*", "python3.[0-9]*", true),
            ("python3", "python*", false),
            ("*.example.org", "api.example.org", true),
            ("*.example.org", "*.api.example.org", true),
            ("*.example.org", "example.org", false),
            ("v*", "v1/**", false),
        ] {
            let covers = name_covers(&Glob::new(wide), &Glob::new(narrow));
            assert_eq!(covers, expected, "{wide} {narrow}");
        }
    }

    #[test]
    fn a_glob_on_paths_covers_what_lies_below_or_ends_so() {
        for (wide, narrow, expected) in [
            ("./**", "./src/**", true),
            ("./**", "**/.env", false),
            ("**/.env", "./config/.env", true),
            ("**/.env", "./**/.env", true),
            ("/**", "~/.ssh/**", true),
            ("~/.ssh/**", "~/.ssh", false),
            ("./src/*", "./src/main.rs", true),
            ("./src/*", "./src/a/main.rs", false),
        ] {
            let covers = path_glob_covers(&Glob::new(wide), &Glob::new(narrow));
            assert_eq!(covers, expected, "{wide} {narrow}");
        }
    }
}
