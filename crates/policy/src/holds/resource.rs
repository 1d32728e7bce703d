//! Conditions on what an action is done to, as the tool says it.

use aegis_types::{Context, Resource};

use super::path::below;
use super::sense::Sense;
use super::view::View;
use crate::matcher::Matcher;
use crate::truth::{Truth, WhyNot, WhyUnknown, any};

impl Matcher {
    /// Returns whether the resource is one of those this names.
    ///
    /// A glob tells names apart, and paths once they are resolved. What a URL or
    /// a command line leads to it cannot tell, so there no allow holds but one
    /// that says the whole text.
    pub(super) fn resource_holds(&self, view: View<'_, '_>, sense: Sense) -> Truth {
        if self.resource.is_empty() {
            return Truth::Yes;
        }
        let request = view.request();
        match &request.resource {
            None => Truth::Unknown(WhyUnknown::Resource),
            Some(Resource::Named(name) | Resource::Server(name)) => self.names_resource(name),
            Some(Resource::Path(written)) => self.path_is_meant(written, &request.context, sense),
            Some(Resource::CommandLine(text) | Resource::Url(text)) => {
                let is_told = |text| self.resource.iter().any(|it| it.as_str() == text);
                match self.names_resource(text) {
                    Truth::Yes if sense.covers() && !is_told(text) => {
                        Truth::Unknown(WhyUnknown::Resource)
                    }
                    decided @ (Truth::Yes | Truth::No(_) | Truth::Unknown(_)) => decided,
                }
            }
        }
    }

    fn names_resource(&self, name: &str) -> Truth {
        let is_named = self.resource.iter().any(|glob| glob.matches_name(name));
        Truth::of(is_named, || WhyNot::Resource)
    }

    /// Returns whether a path is meant: where it leads, from the root or from the
    /// working directory; for a restriction, also as it is written.
    fn path_is_meant(&self, written: &str, context: &Context, sense: Sense) -> Truth {
        let facts = context.paths.iter().filter(|fact| fact.written == written);
        let resolved = any(
            facts.map(|fact| match &fact.resolved {
                Some(resolved) if !fact.unknown => {
                    let inner = below(resolved, &context.directory);
                    let inner = inner.map(|inner| self.names_resource(inner));
                    any(
                        [self.names_resource(resolved)].into_iter().chain(inner),
                        || WhyNot::Resource,
                    )
                }
                Some(_) | None => Truth::Unknown(WhyUnknown::Path),
            }),
            || WhyNot::Resource,
        );
        match sense.covers() {
            true => resolved,
            false => self.names_resource(written).or(|| resolved),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::holds::tests::request;
    use crate::pattern::Glob;
    use aegis_types::{Access, Action, PathFact, Verdict};

    /// Returns what a rule on `glob` says, as one that denies and as one that allows.
    fn check(glob: &str, resource: Option<Resource>) -> [Truth; 2] {
        let matcher = Matcher {
            resource: vec![Glob::new(glob)],
            ..Matcher::default()
        };
        let mut request = request("X", Action::ToolCall);
        if let Some(Resource::Path(written)) = &resource {
            request.context.paths = vec![PathFact {
                written: written.clone(),
                resolved: Some(match written.as_str() {
                    "docs/../secret" => "/home/ann/shop/secret".to_owned(),
                    inner => format!("/home/ann/shop/{inner}"),
                }),
                identity: None,
                access: Access::READ,
                unknown: false,
                listed: false,
                causes: Vec::new(),
            }];
        }
        request.resource = resource;
        [Verdict::Deny, Verdict::Allow].map(|bias| matcher.holds(&request, bias))
    }

    fn named(name: &str) -> Option<Resource> {
        Some(Resource::Named(name.to_owned()))
    }

    const NO: Truth = Truth::No(WhyNot::Resource);
    const UNKNOWN: Truth = Truth::Unknown(WhyUnknown::Resource);

    #[test]
    fn a_name_is_meant_or_not() {
        assert_eq!(check("prod*", named("prod/db")), [Truth::Yes, Truth::Yes]);
        assert_eq!(check("prod*", named("preprod")), [NO, NO]);
        let server = Some(Resource::Server("crm".to_owned()));
        assert_eq!(check("crm", server), [Truth::Yes, Truth::Yes]);
    }

    #[test]
    fn what_is_not_told_is_unknown() {
        assert_eq!(check("prod*", None), [UNKNOWN, UNKNOWN]);
    }

    #[test]
    fn a_path_is_meant_by_where_it_leads() {
        let path = |written: &str| Some(Resource::Path(written.to_owned()));
        assert_eq!(check("docs/*", path("docs/a")), [Truth::Yes, Truth::Yes]);
        assert_eq!(check("docs/*", path("docs/../secret")), [Truth::Yes, NO]);
        assert_eq!(
            check("*/secret", path("docs/../secret")),
            [Truth::Yes, Truth::Yes]
        );
        assert_eq!(check("other/*", path("docs/a")), [NO, NO]);
    }

    #[test]
    fn a_glob_covers_no_command_line_and_no_url() {
        let line = |text: &str| Some(Resource::CommandLine(text.to_owned()));
        assert_eq!(check("ls*", line("ls; x")), [Truth::Yes, UNKNOWN]);
        assert_eq!(check("ls", line("ls")), [Truth::Yes, Truth::Yes]);
        assert_eq!(check("ls*", line("cat")), [NO, NO]);
        let url = Some(Resource::Url("https://a.example@b.example".to_owned()));
        assert_eq!(check("https://a.example*", url), [Truth::Yes, UNKNOWN]);
    }
}
