//! A policy as permission rules of a host.

use aegis_types::{Access, Verdict};
use serde_json::{Map, Value, json};

use super::{LISTS, read_form};
use crate::lint::rules_meet;
use crate::matcher::{Matcher, ParamTest, PathPattern, Scalar, ShellPattern};
use crate::pattern::Glob;
use crate::rule::{Place, Policy, Rule};
use crate::when::When;

/// The permission rules of a host that say what a policy says.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The object under `permissions`.
    pub permissions: Value,
    /// What they do not say.
    pub left_out: Vec<LeftOut>,
}

/// A part of a policy that the rules of a host do not say.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LeftOut {
    /// The name of the rule or limit; `default` for the default.
    pub rule: String,
    /// Where it is written, unless it is the default.
    pub place: Option<Place>,
    /// Why.
    pub why: String,
}

/// Why an allow is left out behind something stricter that is.
const HIDDEN: &str = "something stricter before it is left out, so the host would allow more";

/// Returns a policy as permission rules, and what they do not say.
///
/// A rule is written only if its text, read again, means the same. One that asks
/// or denies by the meaning of a command is written by its text, and told, because
/// the host then misses other spellings. Nothing is allowed that the policy may
/// not allow: behind what is left out, allows are left out as well.
#[must_use]
pub fn export_permissions(policy: &Policy) -> Exported {
    let mut lists: Map<String, Value> = LISTS
        .iter()
        .map(|(list, _)| ((*list).to_owned(), json!([])))
        .collect();
    let mut left_out: Vec<LeftOut> = policy
        .limits
        .iter()
        .map(|limit| LeftOut {
            rule: limit.id.to_string(),
            place: Some(limit.place),
            why: "the host has no limits on calls".to_owned(),
        })
        .collect();
    let (mandatory, ordered): (Vec<&Rule>, Vec<&Rule>) =
        policy.rules.iter().partition(|rule| rule.mandatory);
    let mut is_whole = left_out.is_empty();
    let mut said_rules: Vec<&Rule> = Vec::new();
    for rule in mandatory.into_iter().chain(ordered) {
        let said = match (rule.verdict, is_whole) {
            (Verdict::Allow, false) => Said::nothing(HIDDEN),
            (Verdict::Allow | Verdict::Ask | Verdict::Deny, _) => said(rule),
        };
        if !rule.mandatory && !said.texts.is_empty() {
            left_out.extend(said_rules.iter().filter_map(|it| asked_later(it, rule)));
            said_rules.push(rule);
        }
        let list = LISTS.iter().find(|(_, verdict)| *verdict == rule.verdict);
        if let Some(Value::Array(list)) = list.and_then(|(list, _)| lists.get_mut(*list)) {
            list.extend(said.texts.into_iter().map(Value::String));
        }
        if let Some(why) = said.why {
            is_whole &= rule.verdict == Verdict::Allow;
            left_out.push(LeftOut {
                rule: rule.id.to_string(),
                place: Some(rule.place),
                why,
            });
        }
    }
    if let Some(default) = policy.default {
        left_out.push(LeftOut {
            rule: "default".to_owned(),
            place: None,
            why: format!(
                "the host has no default, and this one is `{}`",
                default.as_str()
            ),
        });
    }
    Exported {
        permissions: Value::Object(lists),
        left_out,
    }
}

/// Returns what to tell of a rule that stands before a stricter one, if calls
/// that both are about would change.
fn asked_later(earlier: &Rule, later: &Rule) -> Option<LeftOut> {
    (earlier.verdict < later.verdict && rules_meet(earlier, later)).then(|| LeftOut {
        rule: earlier.id.to_string(),
        place: Some(earlier.place),
        why: format!(
            "it stands before `{}`, and the host asks what it denies first, then what it asks \
             about, then what it allows",
            later.id
        ),
    })
}

/// What the host can be told of a rule, and what it misses then.
struct Said {
    texts: Vec<String>,
    why: Option<String>,
}

impl Said {
    fn nothing(why: &str) -> Self {
        Self {
            texts: Vec::new(),
            why: Some(why.to_owned()),
        }
    }
}

fn said(rule: &Rule) -> Said {
    if rule.when != When::default() {
        return Said::nothing("the host's rules hold under all circumstances");
    }
    if !rule.obligations.is_empty()
        || rule.unknown != super::holds_of_unknown(&rule.matcher, rule.verdict)
        || rule.tier_base
    {
        return Said::nothing("the host's rules have no conditions on what they allow");
    }
    let whole = || text_for(&rule.matcher, rule.verdict).map(|it| vec![it]);
    let each = || {
        let tools = single_tools(&rule.matcher)?;
        tools.iter().map(|it| text_for(it, rule.verdict)).collect()
    };
    let found: Option<Vec<(String, bool)>> = whole().or_else(each);
    if let Some(found) = found {
        let asks = found.iter().find(|(_, asks)| *asks);
        return Said {
            why: asks
                .map(|(text, _)| format!("by `{text}` the host still asks about hidden files")),
            texts: found.into_iter().map(|(text, _)| text).collect(),
        };
    }
    match (rule.verdict, by_text(&rule.matcher)) {
        (Verdict::Ask | Verdict::Deny, Some(text)) => Said {
            why: Some(format!(
                "`{text}` stands for it, and the host, which compares text, misses other spellings"
            )),
            texts: vec![text],
        },
        (Verdict::Allow | Verdict::Ask | Verdict::Deny, _) => {
            Said::nothing("the host's rules have no form for what it is about")
        }
    }
}

/// Returns the text that means this, and whether the host still asks about hidden
/// files then, which this allows.
fn text_for(about: &Matcher, verdict: Verdict) -> Option<(String, bool)> {
    let read = |text: &String| read_form(text, verdict);
    let texts = texts(about);
    let same = texts.iter().find(|it| read(it).as_ref() == Some(about));
    let nearly = |text: &&String| {
        let read = read(text).filter(|it| it.not.is_some());
        let open = read.map(|it| Matcher { not: None, ..it });
        verdict == Verdict::Allow && open.as_ref() == Some(about)
    };
    let near = || texts.iter().find(nearly).map(|it| (it.clone(), true));
    same.map(|it| (it.clone(), false)).or_else(near)
}

/// Returns a matcher for each tool, if nothing but tools is named.
fn single_tools(matcher: &Matcher) -> Option<Vec<Matcher>> {
    let only = Matcher {
        tool: matcher.tool.clone(),
        ..Matcher::default()
    };
    let one = |tool: &Glob| Matcher {
        tool: vec![tool.clone()],
        ..Matcher::default()
    };
    (*matcher == only && !matcher.tool.is_empty()).then(|| matcher.tool.iter().map(one).collect())
}

/// Returns the text that comes nearest to a command by its meaning.
fn by_text(matcher: &Matcher) -> Option<String> {
    let [shell] = matcher.shell.as_slice() else {
        return None;
    };
    let only = Matcher {
        tool: matcher.tool.clone(),
        shell: matcher.shell.clone(),
        ..Matcher::default()
    };
    let says_more = !(shell.arguments.is_empty()
        && shell.line.is_empty()
        && shell.options.is_empty()
        && shell.text.is_empty()
        && shell.sql.is_empty());
    let is_plain = *matcher == only && !says_more;
    let is_bash = matcher.tool.iter().all(|it| it.as_str() == "Bash");
    let [program] = shell.program.as_slice() else {
        return None;
    };
    let subcommand = match shell.subcommand.as_slice() {
        [] => None,
        [one] => Some(one),
        _ => return None,
    };
    let words = [Some(program), subcommand].into_iter().flatten();
    let words: Vec<&str> = words.map(Glob::as_str).collect();
    let flags = shell.flags.iter().map(|flag| format!(" {flag}"));
    let flags: String = flags.collect();
    (is_plain && is_bash).then(|| format!("Bash({}{flags} *)", words.join(" ")))
}

/// Returns the texts that may mean this.
fn texts(matcher: &Matcher) -> Vec<String> {
    let mut texts = Vec::new();
    let first = matcher.tool.first().map_or("", Glob::as_str);
    for ShellPattern { line, .. } in &matcher.shell {
        for glob in line {
            let words = plain(glob);
            texts.push(format!("Bash({words} *)"));
            texts.push(format!("Bash({words}:*)"));
            texts.push(format!("Bash({words})"));
        }
    }
    for PathPattern { glob, access } in &matcher.path {
        let tool = if *access == Access::READ {
            "Read"
        } else {
            "Edit"
        };
        texts.extend(
            glob.iter()
                .flat_map(paths)
                .map(|path| format!("{tool}({path})")),
        );
    }
    let names = matcher.host.iter().flat_map(|it| &it.name);
    texts.extend(names.map(|it| format!("WebFetch(domain:{})", it.as_str())));
    for condition in &matcher.params {
        let name = condition.path.join(".");
        for value in values(&condition.test) {
            texts.push(format!("{first}({value})"));
            texts.push(format!("{first}({name}:{value})"));
        }
    }
    if let Some(server) = first.strip_suffix("__*") {
        texts.push(server.to_owned());
    }
    texts.push(first.to_owned());
    texts
}

/// Returns the ways in which a host may write a path.
fn paths(glob: &Glob) -> Vec<String> {
    let text = plain(glob);
    let at_any_depth = text.strip_prefix("./**/").map(str::to_owned);
    let of_any = text
        .strip_prefix("**/")
        .filter(|rest| !rest.trim_end_matches("/**").contains('/'));
    let of_root = text.starts_with('/').then(|| format!("/{text}"));
    let found = [
        at_any_depth,
        of_any.map(str::to_owned),
        of_root,
        Some(text.clone()),
    ];
    let folder = |path: String| {
        let folder = path.strip_suffix("/**").map(|it| format!("{it}/"));
        std::iter::once(path).chain(folder)
    };
    found.into_iter().flatten().flat_map(folder).collect()
}

/// Returns a glob without the backslashes before what is special only here.
fn plain(glob: &Glob) -> String {
    let mut text = String::new();
    let mut letters = glob.as_str().chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => text.extend(letters.next()),
            letter => text.push(letter),
        }
    }
    text
}

/// Returns how a value may be written in a rule.
fn values(test: &ParamTest) -> Vec<String> {
    let text = |value: &Scalar| match value {
        Scalar::Text(text) => Some(text.to_string()),
        Scalar::Null | Scalar::Bool(_) | Scalar::Integer(_) => None,
    };
    match test {
        ParamTest::Equals(value) => text(value).into_iter().collect(),
        ParamTest::OneOf(values) => values.iter().filter_map(text).collect(),
        ParamTest::Regex(pattern) => vec![super::command::written(pattern.as_str())],
        ParamTest::Glob(_)
        | ParamTest::Contains(_)
        | ParamTest::Present(_)
        | ParamTest::Gt(_)
        | ParamTest::Gte(_)
        | ParamTest::Lt(_)
        | ParamTest::Lte(_) => Vec::new(),
    }
}
