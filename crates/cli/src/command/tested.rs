//! One file of tests, or one policy with its examples, decided and compared.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use aegis_engine::{CheckedCase, Coverage, Difference, Expectation, RuleExplanation, check_case};
use aegis_gate::{case_request, case_state, example_request};
use aegis_policy::{
    Asked, Case, Compiled, Kind, Place, Policy, Problem, Rule, Source, Truth, detect, nearest,
    pack, pack_tests, parse_tests, policy_digest, resolve,
};
use aegis_types::{Decision, Reason, RuleId};

use crate::command::checked::{Checked, check_named, read_text, truth_text};
use crate::command::coverage::Covered;
use crate::command::explain::is_far;
use crate::describe;
use crate::report::Failure;

/// What testing one file came to.
pub(crate) struct Tested {
    /// The file, or the pack, as given.
    pub(crate) name: String,
    /// The policy, by its path or the name of a pack.
    pub(crate) policy: String,
    /// Every case, in the order of the file; then the examples of the policy's own rules.
    pub(crate) cases: Vec<TestedCase>,
    /// How many cases reach each of the policy's own rules.
    pub(crate) coverage: Vec<Covered>,
    /// Why nothing could be tested.
    pub(crate) problems: Vec<Problem>,
    /// The texts the problems are found in.
    pub(crate) sources: Vec<Source>,
    /// The files that were read.
    pub(crate) files: Vec<PathBuf>,
}

impl Tested {
    /// Returns how many cases fail.
    pub(crate) fn failed(&self) -> usize {
        self.cases.iter().filter(|case| !case.holds()).count()
    }
}

/// One case, decided and compared.
pub(crate) struct TestedCase {
    /// Whether it is an example of a rule.
    pub(crate) is_example: bool,
    /// Its name, or its call if it has none.
    pub(crate) title: String,
    /// The call in one line.
    pub(crate) call: String,
    /// The file it is written in.
    pub(crate) file: String,
    /// Where in the file.
    pub(crate) place: Place,
    /// What is not as expected.
    pub(crate) misses: Vec<Miss>,
    /// What decided.
    pub(crate) decided_by: Option<String>,
    /// What may be the cause.
    pub(crate) help: Option<String>,
}

impl TestedCase {
    /// Returns whether all came as expected.
    pub(crate) fn holds(&self) -> bool {
        self.misses.is_empty()
    }
}

/// What was expected of a case, and what came instead.
pub(crate) struct Miss {
    pub(crate) what: &'static str,
    pub(crate) expected: String,
    pub(crate) found: String,
}

/// Which cases are wanted: those with a text in their name, call or rule.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter(Option<String>);

impl Filter {
    pub(crate) fn new(text: Option<&str>) -> Self {
        Self(text.map(str::to_lowercase))
    }

    fn admits(&self, texts: &[&str]) -> bool {
        self.0
            .as_ref()
            .is_none_or(|wanted| texts.iter().any(|it| it.to_lowercase().contains(wanted)))
    }
}

/// The policies whose examples were decided: once is enough, however many files
/// test them.
#[derive(Debug, Default)]
pub(crate) struct Examined(BTreeSet<String>);

/// Tests what `name` names: a file of tests, a policy, or a pack with its own tests.
pub(crate) fn test(
    name: &Path,
    filter: &Filter,
    examined: &mut Examined,
) -> Result<Tested, Failure> {
    let shown = name.display().to_string();
    if let Some(text) = pack_tests(&shown) {
        return test_file(name, &Source::new(&shown, text), filter, examined);
    }
    if shown.starts_with("aegis:") {
        return Ok(test_policy(&check_named(&shown)?, filter, examined));
    }
    let text = read_text(name)?;
    if detect(&text) == Some(Kind::PolicyTests) {
        return test_file(name, &Source::new(&shown, &text), filter, examined);
    }
    Ok(test_policy(&check_named(&shown)?, filter, examined))
}

/// Tests a policy by the examples of its own rules.
fn test_policy(checked: &Checked, filter: &Filter, examined: &mut Examined) -> Tested {
    let mut tested = Tested::of(checked.name.clone(), checked);
    if let Some(policy) = compiled(checked) {
        let coverage = Coverage::default();
        tested.add_rules(checked, &policy, coverage, filter, examined);
    }
    tested
}

/// Tests a policy by the cases of a file, then by the examples of its own rules.
fn test_file(
    file: &Path,
    source: &Source,
    filter: &Filter,
    examined: &mut Examined,
) -> Result<Tested, Failure> {
    let name = source.name.to_string();
    let refused = |problems, sources| Tested {
        name: name.clone(),
        policy: String::new(),
        cases: Vec::new(),
        coverage: Vec::new(),
        problems,
        sources,
        files: vec![file.to_path_buf()],
    };
    let tests = match parse_tests(source) {
        Ok(tests) => tests,
        Err(problems) => return Ok(refused(problems.0, problems.1)),
    };
    let wanted = match &*tests.policy.name {
        pack if pack.starts_with("aegis:") => pack.to_owned(),
        path => {
            resolve(&name, path).unwrap_or_else(|_| file.with_file_name(path).display().to_string())
        }
    };
    let checked = match check_named(&wanted) {
        Ok(checked) => checked,
        Err(failure) => {
            let problem = tests.policy.unreadable(&failure.message);
            return Ok(refused(vec![problem], vec![source.clone()]));
        }
    };
    let mut tested = Tested::of(name.clone(), &checked);
    tested.files.push(file.to_path_buf());
    let Some(policy) = compiled(&checked) else {
        return Ok(tested);
    };
    let mut coverage = Coverage::default();
    for case in &tests.cases {
        let request = case_request(case);
        let call = call(&request.tool, &describe::request(&request));
        let rule = case.expected.rule.as_ref().map_or("", RuleId::as_str);
        let title = case.name.as_deref().unwrap_or(&call);
        if !filter.admits(&[title, &call, rule]) {
            continue;
        }
        let found = check_case(&policy, case, &request, &case_state(case, &request));
        coverage.add_case(&found.explanation);
        tested.cases.push(TestedCase {
            is_example: false,
            title: title.to_owned(),
            file: name.clone(),
            place: case.place,
            misses: found.differences.iter().map(miss).collect(),
            decided_by: decided_by(&found, &checked),
            help: help(case, &found, &wanted),
            call,
        });
    }
    tested.add_rules(&checked, &policy, coverage, filter, examined);
    Ok(tested)
}

fn compiled(checked: &Checked) -> Option<Compiled> {
    let parsed = checked.parsed.as_ref()?;
    let digest = policy_digest(&parsed.texts);
    Some(Compiled::new(parsed.policy.clone(), digest))
}

/// Returns the call of a tool in one line.
fn call(tool: &str, text: &str) -> String {
    match tool {
        "Bash" => text.to_owned(),
        _ => format!("{tool} {text}"),
    }
}

impl Tested {
    /// Returns a test without cases; its problems are those of the policy if it
    /// cannot be used.
    fn of(name: String, checked: &Checked) -> Self {
        let problems = match checked.parsed {
            Some(_) => Vec::new(),
            None => checked.problems.clone(),
        };
        let is_file = |source: &&Source| pack(&source.name).is_none();
        let files = checked.sources.iter().filter(is_file);
        Self {
            name,
            policy: checked.name.clone(),
            cases: Vec::new(),
            coverage: Vec::new(),
            problems,
            sources: checked.sources.clone(),
            files: files.map(|it| PathBuf::from(&*it.name)).collect(),
        }
    }

    /// Adds the examples of the policy's own rules, and what reaches each rule.
    fn add_rules(
        &mut self,
        checked: &Checked,
        policy: &Compiled,
        mut coverage: Coverage,
        filter: &Filter,
        examined: &mut Examined,
    ) {
        let is_first = examined.0.insert(self.policy.clone());
        let Policy { rules, limits, .. } = policy.policy();
        for rule in rules.iter().filter(|it| is_own(checked, it.place)) {
            if is_first {
                self.add_examples(checked, policy, rule, &mut coverage, filter);
            }
        }
        let rules = rules.iter().map(|rule| (&rule.id, rule.place));
        let limits = limits.iter().map(|limit| (&limit.id, limit.place));
        for (id, place) in rules.chain(limits).filter(|(_, it)| is_own(checked, *it)) {
            self.coverage.push(Covered {
                rule: id.clone(),
                place: place_text(checked, place),
                cases: coverage.of(id),
            });
        }
    }

    fn add_examples(
        &mut self,
        checked: &Checked,
        policy: &Compiled,
        rule: &Rule,
        coverage: &mut Coverage,
        filter: &Filter,
    ) {
        let matches = rule.examples.matches.iter();
        let misses = rule.examples.misses.iter();
        let both = matches
            .map(|it| (Expectation::Matches, it))
            .chain(misses.map(|it| (Expectation::Misses, it)));
        for (expected, example) in both {
            let request = example_request(example);
            let call = call(&request.tool, &describe::request(&request));
            if !filter.admits(&[&call, rule.id.as_str()]) {
                continue;
            }
            let mut failures = checked.failures.iter();
            let failure = failures.find(|it| it.place == example.place);
            if failure.is_none() && expected == Expectation::Matches {
                coverage.add_example(policy, &rule.id, &request);
            }
            let misses = failure.map(|_| example_miss(expected));
            self.cases.push(TestedCase {
                is_example: true,
                title: format!("{}: {call}", rule.id),
                call,
                file: source_name(checked, example.place),
                place: example.place,
                misses: misses.into_iter().collect(),
                decided_by: None,
                help: failure.map(|it| truth_text(&it.truth)),
            });
        }
    }
}

/// Returns whether a place lies in the policy itself, or in a file that it
/// extends: packs that are extended have tests of their own.
fn is_own(checked: &Checked, place: Place) -> bool {
    place.source == 0 || pack(&source_name(checked, place)).is_none()
}

fn source_name(checked: &Checked, place: Place) -> String {
    let source = checked.sources.get(usize::from(place.source));
    source.map_or(&*checked.name, |it| &*it.name).to_owned()
}

fn place_text(checked: &Checked, place: Place) -> String {
    format!(
        "{}:{}:{}",
        source_name(checked, place),
        place.line,
        place.column
    )
}

fn example_miss(expected: Expectation) -> Miss {
    let (expected, found) = match expected {
        Expectation::Matches => ("a match", "a miss"),
        Expectation::Misses => ("a miss", "a match"),
    };
    Miss {
        what: "example",
        expected: expected.to_owned(),
        found: found.to_owned(),
    }
}

fn miss(difference: &Difference) -> Miss {
    let (what, expected, found) = match difference {
        Difference::Verdict { expected, found } => {
            ("verdict", expected.to_string(), found.to_string())
        }
        Difference::Rule { expected, found } => (
            "rule",
            expected.to_string(),
            found.as_ref().map_or("none".to_owned(), RuleId::to_string),
        ),
        Difference::Reason { expected, found } => {
            ("reason", expected.to_string(), found.to_string())
        }
        Difference::Effect { expected, found } => {
            let found: Vec<&str> = found.iter().map(|it| it.as_str()).collect();
            let found = match found.as_slice() {
                [] => "none".to_owned(),
                found => found.join(", "),
            };
            ("effect", expected.as_str().to_owned(), found)
        }
    };
    Miss {
        what,
        expected,
        found,
    }
}

/// Returns what decided, and where that is written.
fn decided_by(found: &CheckedCase, checked: &Checked) -> Option<String> {
    let decision: &Decision = &found.explanation.decision;
    if let Some(id) = decision.deciding().and_then(|it| it.rule.as_ref()) {
        let rule = rules(found).find(|rule| rule.id == *id)?;
        return Some(format!(
            "rule `{id}` at {}",
            place_text(checked, rule.place)
        ));
    }
    Some(if decision.reason == Reason::Default {
        format!("the default of {}", checked.name)
    } else {
        decision.reason.to_string()
    })
}

fn rules(found: &CheckedCase) -> impl Iterator<Item = &RuleExplanation> {
    found.explanation.policies.iter().flat_map(|it| &it.rules)
}

/// Returns what may be the cause when a case fails.
fn help(case: &Case, found: &CheckedCase, policy: &str) -> Option<String> {
    if found.differences.is_empty() {
        return None;
    }
    let decider = found
        .explanation
        .decision
        .deciding()
        .and_then(|it| it.rule.as_ref());
    let why = |rule: &RuleExplanation| match (&rule.truth, decider) {
        (_, Some(decider)) if rule.is_shadowed => {
            format!("rule `{}` holds, but `{decider}` stands before it", rule.id)
        }
        (Truth::Yes, _) => format!("rule `{}` holds", rule.id),
        (Truth::No(why), _) => format!("rule `{}` does not hold: {why}", rule.id),
        (Truth::Unknown(why), _) => format!("rule `{}` does not count: {why}", rule.id),
    };
    if let Some(wanted) = &case.expected.rule {
        return Some(match rules(found).find(|rule| rule.id == *wanted) {
            Some(rule) => why(rule),
            None => match nearest(wanted.as_str(), rules(found).map(|rule| rule.id.as_str())) {
                Some(near) => format!("the policy has no rule `{wanted}`; did you mean `{near}`?"),
                None => format!("the policy has no rule `{wanted}`"),
            },
        });
    }
    let mut likely: Vec<&RuleExplanation> = rules(found)
        .filter(|rule| rule.verdict == case.expected.verdict && !rule.speaks)
        .filter(|rule| rule.is_shadowed || !(is_far(rule) || rule.truth.is_unknown()))
        .collect();
    likely.sort_by_key(|rule| !rule.is_shadowed);
    if let Some(rule) = likely.first() {
        return Some(why(rule));
    }
    match &case.asked {
        Asked::Call(call) if &*call.tool == "Bash" => Some(format!(
            "`aegis policy explain --policy {policy} --command …` shows what every rule says"
        )),
        Asked::Call(_) | Asked::Request(_) => None,
    }
}
