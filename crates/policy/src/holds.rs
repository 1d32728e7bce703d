//! Whether a rule is about a request, judged from recorded facts alone.

mod facts;
mod folder;
mod host;
mod line;
mod names;
mod options;
mod params;
mod part;
mod path;
mod plain;
mod resource;
mod sense;
mod shell;
mod start;
mod time;
mod told;
mod tool;
mod view;
mod when;
mod words;
mod written;

use aegis_types::{ActionRequest, Effect, EffectKind, Risk, Verdict};

use crate::matcher::Matcher;
use crate::pattern::Glob;
use crate::truth::{Truth, WhyNot, WhyUnknown, any, every};
use sense::Sense;
use view::View;

pub use facts::Facts;
pub(crate) use line::{Line, Program};
pub(crate) use options::base_name;
pub(crate) use params::{Found, find};
pub(crate) use path::{Anchor, anchor, below};
pub(crate) use tool::other_name;

impl Matcher {
    /// Returns whether this is about `request`.
    ///
    /// `bias` is the verdict of the rule: one that restricts is about a request
    /// that touches one of the commands, paths, hosts or effects it names, one
    /// that allows about a request all of whose parts it names.
    #[must_use]
    pub fn holds(&self, request: &ActionRequest, bias: Verdict) -> Truth {
        self.holds_in(&Facts::new(request), bias)
    }

    /// Returns whether this is about the request of `facts`; as [`Matcher::holds`].
    #[must_use]
    pub fn holds_in(&self, facts: &Facts<'_>, bias: Verdict) -> Truth {
        let whole = self.holds_of_whole(facts, bias);
        match bias {
            Verdict::Allow => whole,
            Verdict::Ask | Verdict::Deny if !whole.is_possible() => whole,
            Verdict::Ask | Verdict::Deny => any(
                (0..facts.part_count()).map(|part| self.holds_of_part(facts, bias, &whole, part)),
                || WhyNot::Apart,
            ),
        }
    }

    /// Returns whether this is about the whole of a request, its command line
    /// taken as one.
    ///
    /// What a restriction is not about as a whole, it is not about in part.
    #[must_use]
    pub fn holds_of_whole(&self, facts: &Facts<'_>, bias: Verdict) -> Truth {
        self.truth(View::whole(facts), Sense::of(bias))
    }

    /// Returns whether this is about one part of a request, given what was said
    /// of the whole.
    #[must_use]
    pub fn holds_of_part(
        &self,
        facts: &Facts<'_>,
        bias: Verdict,
        whole: &Truth,
        part: usize,
    ) -> Truth {
        let is_settled = match bias {
            Verdict::Allow => *whole == Truth::Yes,
            Verdict::Ask | Verdict::Deny => !whole.is_possible(),
        };
        if is_settled || facts.part_count() == 1 || !self.tells_parts_apart(0) {
            return whole.clone();
        }
        self.truth(View::part(facts, part), Sense::of(bias))
    }

    /// Returns whether one of the conditions on what is done holds by itself,
    /// whatever the others say.
    ///
    /// Those on tools, actions, agents and skills do not count: they hold for
    /// calls that have nothing else to do with what this is about.
    #[must_use]
    pub fn holds_in_something(&self, facts: &Facts<'_>) -> bool {
        let mut inner = self.any.iter().chain(&self.all);
        self.conditions()
            .iter()
            .any(|only| only.holds_in(facts, Verdict::Ask) == Truth::Yes)
            || inner.any(|part| part.holds_in_something(facts))
    }

    /// Returns each condition on what is done as a matcher of its own.
    fn conditions(&self) -> Vec<Self> {
        let mut conditions: Vec<Self> = self
            .params
            .iter()
            .map(|param| Self {
                params: vec![param.clone()],
                ..Self::default()
            })
            .collect();
        let others = [
            Self {
                resource: self.resource.clone(),
                ..Self::default()
            },
            Self {
                shell: self.shell.clone(),
                ..Self::default()
            },
            Self {
                path: self.path.clone(),
                ..Self::default()
            },
            Self {
                host: self.host.clone(),
                ..Self::default()
            },
            Self {
                effect: self.effect.clone(),
                ..Self::default()
            },
        ];
        // An empty one would hold for every request.
        conditions.extend(others.into_iter().filter(|only| *only != Self::default()));
        conditions
    }

    /// Returns whether this may hold for one part of a command line and not for another.
    fn tells_parts_apart(&self, depth: u8) -> bool {
        let is_own = !(self.shell.is_empty()
            && self.path.is_empty()
            && self.host.is_empty()
            && self.effect.is_empty());
        let mut inner = self.any.iter().chain(&self.all).chain(self.not.as_deref());
        is_own
            || depth > sense::DEPTH_MAX
            || inner.any(|part| part.tells_parts_apart(depth.saturating_add(1)))
    }

    /// Returns whether `tool` is one of the tools this names; any tool is, when
    /// it names none.
    #[must_use]
    pub fn names_tool(&self, tool: &str) -> bool {
        self.tool.is_empty() || self.tool.iter().any(|glob| tool::matches(glob, tool))
    }

    fn truth(&self, view: View<'_, '_>, sense: Sense) -> Truth {
        if sense.is_too_deep() {
            return Truth::Unknown(WhyUnknown::Pattern);
        }
        let of_call = self
            .tool_holds(view)
            .and(|| self.action_holds(view))
            .and(|| self.resource_holds(view, sense))
            .and(|| self.agent_holds(view))
            .and(|| self.skill_holds(view))
            .and(|| self.risk_holds());
        let of_lines = || {
            self.shell_holds(view, sense)
                .and(|| self.folder_holds(view, sense))
                .and(|| self.things_hold(view, sense))
        };
        // Of many parts, most are settled before a parameter has to be searched.
        if view.is_part() {
            of_call.and(of_lines).and(|| self.params_hold(view))
        } else {
            of_call.and(|| self.params_hold(view)).and(of_lines)
        }
    }

    fn tool_holds(&self, view: View<'_, '_>) -> Truth {
        Truth::of(self.names_tool(&view.request().tool), || WhyNot::Tool)
    }

    fn action_holds(&self, view: View<'_, '_>) -> Truth {
        Truth::of(
            self.action.is_empty() || self.action.contains(&view.request().action),
            || WhyNot::Action,
        )
    }

    fn agent_holds(&self, view: View<'_, '_>) -> Truth {
        let principal = &view.request().principal;
        let is_meant = |glob: &Glob| {
            glob.matches_name(principal.agent.as_str())
                || principal
                    .subagent
                    .as_deref()
                    .is_some_and(|name| glob.matches_name(name))
        };
        Truth::of(
            self.agent.is_empty() || self.agent.iter().any(is_meant),
            || WhyNot::Agent,
        )
    }

    fn skill_holds(&self, view: View<'_, '_>) -> Truth {
        if self.skill.is_empty() {
            return Truth::Yes;
        }
        let skill = view.request().context.skill.as_deref();
        Truth::of(
            skill.is_some_and(|name| self.skill.iter().any(|glob| glob.matches_name(name))),
            || WhyNot::Skill,
        )
    }

    /// No request states its risk yet, so a condition on it is unknown.
    fn risk_holds(&self) -> Truth {
        match self.risk {
            None | Some(Risk::Low) => Truth::Yes,
            Some(Risk::Medium | Risk::High | Risk::Critical) => Truth::Unknown(WhyUnknown::Risk),
        }
    }

    fn params_hold(&self, view: View<'_, '_>) -> Truth {
        every(
            self.params
                .iter()
                .map(|condition| condition.holds(&view.request().params)),
        )
    }

    /// Returns whether what is said of paths, hosts and effects holds.
    ///
    /// A restriction on effects is about one effect: what it says of paths and
    /// hosts besides must hold of what that effect is done to. An allow is about
    /// all effects, paths and hosts anyway.
    fn things_hold(&self, view: View<'_, '_>, sense: Sense) -> Truth {
        if !self.effect.is_empty() && !sense.covers() {
            return self.one_effect_holds(view, sense);
        }
        let of_path = self.path_holds(view, sense);
        of_path
            .and(|| self.host_holds(view, sense))
            .and(|| self.effects_hold(view, sense))
            .and(|| self.members_hold(view, sense))
    }

    fn members_hold(&self, view: View<'_, '_>, sense: Sense) -> Truth {
        self.any_holds(view, sense)
            .and(|| self.all_hold(view, sense))
            .and(|| self.not_holds(view, sense))
    }

    fn one_effect_holds(&self, view: View<'_, '_>, sense: Sense) -> Truth {
        let besides = |view: View<'_, '_>| self.besides_effect_holds(view, sense);
        let not = || WhyNot::Effect { kind: None };
        let of_effect = |effect: &Effect| match self.effect_is_meant(effect.kind, sense) {
            Truth::Yes => besides(view.of_effect(effect)),
            unsure @ Truth::Unknown(_) => unsure.and(|| besides(view)),
            Truth::No(why) => Truth::No(why),
        };
        any(view.effects().map(of_effect), not).or(|| match view.hidden(sense) {
            Some(why) => Truth::Unknown(why).and(|| besides(view)),
            None => Truth::No(not()),
        })
    }

    /// Returns whether what stands beside a condition on effects holds.
    fn besides_effect_holds(&self, view: View<'_, '_>, sense: Sense) -> Truth {
        self.path_holds(view, sense)
            .and(|| self.host_holds(view, sense))
            .and(|| self.members_hold(view, sense))
    }

    fn effects_hold(&self, view: View<'_, '_>, sense: Sense) -> Truth {
        if self.effect.is_empty() {
            return Truth::Yes;
        }
        sense.combine(
            view.effects()
                .map(|effect| self.effect_is_meant(effect.kind, sense)),
            view.hidden(sense),
            || WhyNot::Effect { kind: None },
        )
    }

    fn effect_is_meant(&self, kind: EffectKind, sense: Sense) -> Truth {
        if self.effect.contains(&kind) {
            Truth::Yes
        } else if kind == EffectKind::Unknown {
            Truth::Unknown(WhyUnknown::Effect)
        } else {
            Truth::No(WhyNot::Effect {
                kind: sense.covers().then_some(kind),
            })
        }
    }

    fn any_holds(&self, view: View<'_, '_>, sense: Sense) -> Truth {
        if self.any.is_empty() {
            return Truth::Yes;
        }
        any(
            self.any.iter().map(|part| part.truth(view, sense.deeper())),
            || WhyNot::Alternatives,
        )
    }

    fn all_hold(&self, view: View<'_, '_>, sense: Sense) -> Truth {
        every(self.all.iter().map(|part| part.truth(view, sense.deeper())))
    }

    fn not_holds(&self, view: View<'_, '_>, sense: Sense) -> Truth {
        self.not.as_ref().map_or(Truth::Yes, |part| {
            part.truth(view, sense.deeper().flipped())
                .negated(WhyNot::Excluded)
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::matcher::PathPattern;
    use aegis_types::{
        Access, Action, Effect, EffectResource, PathFact, Plan, Unknown, UnknownCause,
    };
    use serde_json::json;

    /// Returns a request that runs a command line.
    pub(crate) fn shell_request() -> ActionRequest {
        request("Bash", Action::ShellExec)
    }

    pub(crate) fn request(tool: &str, action: Action) -> ActionRequest {
        serde_json::from_value(json!({
            "call_id": "call-1",
            "at": 0,
            "principal": {"tenant": "t", "session": "s", "agent": "a", "subagent": "reviewer"},
            "action": action,
            "tool_name": tool,
            "args": {},
            "context": {"directory": "/home/ann/shop", "home": "/home/ann"},
        }))
        .unwrap()
    }

    fn path(glob: &str) -> Matcher {
        Matcher {
            path: vec![PathPattern {
                glob: vec![Glob::new(glob)],
                access: Access::default(),
            }],
            ..Matcher::default()
        }
    }

    fn not(matcher: Matcher) -> Matcher {
        Matcher {
            not: Some(Box::new(matcher)),
            ..Matcher::default()
        }
    }

    fn touching(paths: &[&str]) -> ActionRequest {
        let mut request = request("Write", Action::FsWrite);
        request.context.paths = paths
            .iter()
            .map(|path| PathFact {
                written: (*path).to_owned(),
                resolved: Some((*path).to_owned()),
                identity: None,
                access: Access::WRITE,
                unknown: false,
                listed: false,
                causes: Vec::new(),
            })
            .collect();
        request
    }

    #[test]
    fn a_restriction_needs_one_path_and_an_allow_all_of_them() {
        let inside = path("./**");
        let mixed = touching(&["/home/ann/shop/a", "/etc/passwd"]);
        assert_eq!(inside.holds(&mixed, Verdict::Deny), Truth::Yes);
        assert_eq!(
            inside.holds(&mixed, Verdict::Allow),
            Truth::No(WhyNot::Path)
        );
        let only = touching(&["/home/ann/shop/a"]);
        assert_eq!(inside.holds(&only, Verdict::Allow), Truth::Yes);
        let none = touching(&[]);
        assert!(!inside.holds(&none, Verdict::Allow).is_possible());
        assert!(!inside.holds(&none, Verdict::Deny).is_possible());
    }

    #[test]
    fn under_not_a_restriction_is_about_what_is_not_covered() {
        let outside = not(path("./**"));
        let mixed = touching(&["/home/ann/shop/a", "/etc/passwd"]);
        assert_eq!(outside.holds(&mixed, Verdict::Deny), Truth::Yes);
        assert!(!outside.holds(&mixed, Verdict::Allow).is_possible());
        let inside = touching(&["/home/ann/shop/a"]);
        assert!(!outside.holds(&inside, Verdict::Deny).is_possible());
        let none = touching(&[]);
        assert!(!outside.holds(&none, Verdict::Deny).is_possible());
    }

    #[test]
    fn an_allow_that_excludes_paths_holds_only_where_all_paths_are_known() {
        let elsewhere = not(path("~/.ssh/**"));
        let read = touching(&["/home/ann/shop/a"]);
        assert_eq!(elsewhere.holds(&read, Verdict::Allow), Truth::Yes);
        let mcp = request("mcp__files__read", Action::McpCall);
        assert_eq!(
            elsewhere.holds(&mcp, Verdict::Allow),
            Truth::Unknown(WhyUnknown::Touches)
        );
        let mut shell = shell_request();
        shell.context.plan = Some(Plan::default());
        assert_eq!(elsewhere.holds(&shell, Verdict::Allow), Truth::Yes);
        shell.context.plan = Some(Plan {
            unknowns: vec![Unknown {
                span: aegis_types::Span::default(),
                cause: UnknownCause::Code("python".to_owned()),
            }],
            ..Plan::default()
        });
        assert!(elsewhere.holds(&shell, Verdict::Allow).is_unknown());
        assert!(!path("~/.ssh/**").holds(&shell, Verdict::Deny).is_possible());
    }

    #[test]
    fn an_effect_that_cannot_be_told_may_be_any() {
        let network = Matcher {
            effect: vec![EffectKind::Network],
            ..Matcher::default()
        };
        let with = |kinds: &[EffectKind]| {
            let mut request = request("X", Action::ToolCall);
            request.context.effects = kinds
                .iter()
                .map(|kind| Effect {
                    kind: *kind,
                    resource: EffectResource::Unknown,
                    causes: Vec::new(),
                })
                .collect();
            request
        };
        let unknown = with(&[EffectKind::Read, EffectKind::Unknown]);
        assert!(network.holds(&unknown, Verdict::Deny).is_unknown());
        assert!(!network.holds(&unknown, Verdict::Allow).is_possible());
        let both = with(&[EffectKind::Unknown, EffectKind::Network]);
        assert_eq!(network.holds(&both, Verdict::Deny), Truth::Yes);
        let read = with(&[EffectKind::Read]);
        assert!(!network.holds(&read, Verdict::Deny).is_possible());
    }

    #[test]
    fn task_and_agent_are_one_tool() {
        let rule = |tool: &str| Matcher {
            tool: vec![Glob::new(tool)],
            ..Matcher::default()
        };
        for (pattern, tool) in [("Task", "Agent"), ("Agent", "Task"), ("Ag*", "Task")] {
            let request = request(tool, Action::AgentStart);
            assert_eq!(rule(pattern).holds(&request, Verdict::Deny), Truth::Yes);
        }
        let other = request("TaskOutput", Action::ToolCall);
        assert!(!rule("Agent").holds(&other, Verdict::Deny).is_possible());
    }

    #[test]
    fn a_slash_in_a_name_hides_no_tool() {
        let rule = Matcher {
            tool: vec![Glob::new("mcp__*")],
            ..Matcher::default()
        };
        let request = request("mcp__a/b__c", Action::McpCall);
        assert_eq!(rule.holds(&request, Verdict::Deny), Truth::Yes);
    }

    #[test]
    fn lists_and_braces_of_tools_match_each_of_them() {
        let rule = |tools: &[&str]| Matcher {
            tool: tools.iter().copied().map(Glob::new).collect(),
            ..Matcher::default()
        };
        let update = request("update_user", Action::ToolCall);
        for tools in [&["create*", "update*"][..], &["{update,create}*"]] {
            assert_eq!(rule(tools).holds(&update, Verdict::Deny), Truth::Yes);
        }
        let delete = request("delete_user", Action::ToolCall);
        assert!(
            !rule(&["{update,create}*"])
                .holds(&delete, Verdict::Deny)
                .is_possible()
        );
    }

    #[test]
    fn something_holds_where_more_than_the_tool_does() {
        let request = ActionRequest {
            tool: "Bash".into(),
            ..touching(&["/app/a"])
        };
        let facts = Facts::new(&request);
        let check = |matcher: Matcher, expected: bool| {
            let matcher = Matcher {
                tool: vec![Glob::new("Bash")],
                effect: vec![EffectKind::Network],
                ..matcher
            };
            assert_ne!(matcher.holds_in(&facts, Verdict::Deny), Truth::Yes);
            assert_eq!(matcher.holds_in_something(&facts), expected, "{matcher:?}");
        };
        check(path("/app/**"), true);
        check(path("/other/**"), false);
        check(Matcher::default(), false);
        let any = vec![path("/other/**"), path("/app/**")];
        check(
            Matcher {
                any,
                ..Matcher::default()
            },
            true,
        );
    }

    #[test]
    fn alternatives_and_agents_hold_by_one_member() {
        let agent = |name: &str| Matcher {
            agent: vec![Glob::new(name)],
            ..Matcher::default()
        };
        let request = request("Read", Action::FsRead);
        assert_eq!(agent("reviewer").holds(&request, Verdict::Deny), Truth::Yes);
        let either = Matcher {
            any: vec![agent("x"), agent("a")],
            ..Matcher::default()
        };
        assert_eq!(either.holds(&request, Verdict::Deny), Truth::Yes);
        let both = Matcher {
            all: vec![agent("x"), agent("a")],
            ..Matcher::default()
        };
        assert!(!both.holds(&request, Verdict::Deny).is_possible());
    }

    #[test]
    fn conditions_nested_without_end_are_unknown() {
        let mut matcher = Matcher::default();
        for _ in 0..1_000 {
            matcher = not(matcher);
        }
        let request = request("Read", Action::FsRead);
        assert!(matcher.holds(&request, Verdict::Allow).is_unknown());
    }
}
