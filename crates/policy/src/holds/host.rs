//! Conditions on hosts.

use aegis_types::{HostFact, NetworkClass};

use super::sense::Sense;
use super::view::View;
use crate::matcher::{HostPattern, Matcher};
use crate::pattern::Glob;
use crate::truth::{Truth, WhyNot, WhyUnknown, any, every};

impl Matcher {
    pub(super) fn host_holds(&self, view: View<'_, '_>, sense: Sense) -> Truth {
        if self.host.is_empty() {
            return Truth::Yes;
        }
        sense.combine(
            view.hosts().map(|fact| self.names_host(fact, sense)),
            view.hidden_hosts(sense),
            || WhyNot::Host,
        )
    }

    /// Returns the facts on hosts that a restriction may be about.
    pub(super) fn hosts_meant<'a>(
        &self,
        view: View<'_, 'a>,
        sense: Sense,
    ) -> impl Iterator<Item = &'a HostFact> {
        view.hosts()
            .filter(move |fact| self.names_host(fact, sense).is_possible())
    }

    fn names_host(&self, fact: &HostFact, sense: Sense) -> Truth {
        any(
            self.host
                .iter()
                .map(|pattern| pattern_holds(pattern, fact, sense)),
            || WhyNot::Host,
        )
    }
}

fn pattern_holds(pattern: &HostPattern, fact: &HostFact, sense: Sense) -> Truth {
    let unknown = || Truth::Unknown(WhyUnknown::Host);
    let decided = |holds| Truth::of(holds, || WhyNot::Host);
    let name = || match &fact.host {
        _ if pattern.name.is_empty() => Truth::Yes,
        Some(host) => {
            let host = host.strip_suffix('.').unwrap_or(host);
            decided(pattern.name.iter().any(|glob| is_named(glob, host)))
        }
        None => unknown(),
    };
    let scheme = || match &fact.scheme {
        _ if pattern.scheme.is_empty() => Truth::Yes,
        Some(scheme) => decided(
            pattern
                .scheme
                .iter()
                .any(|wanted| wanted.eq_ignore_ascii_case(scheme)),
        ),
        None => unknown(),
    };
    let port = || match fact.port {
        _ if pattern.port.is_empty() => Truth::Yes,
        Some(port) => decided(pattern.port.contains(&port)),
        None => unknown(),
    };
    let parts: [&dyn Fn() -> Truth; 4] = [&name, &scheme, &port, &|| {
        class_holds(&pattern.class, fact.class, sense)
    }];
    every(parts.into_iter().map(|part| part()))
}

/// A name that was not looked up is of no class of address. A restriction on a
/// class is therefore not about it, or every name would be restricted; an allow
/// that needs a class cannot tell.
fn class_holds(wanted: &[NetworkClass], found: NetworkClass, sense: Sense) -> Truth {
    if wanted.is_empty() || wanted.contains(&found) {
        return Truth::Yes;
    }
    match found {
        NetworkClass::Unknown => Truth::Unknown(WhyUnknown::Host),
        NetworkClass::Name if sense.covers() => Truth::Unknown(WhyUnknown::Host),
        NetworkClass::Name
        | NetworkClass::Global
        | NetworkClass::Loopback
        | NetworkClass::Private
        | NetworkClass::LinkLocal
        | NetworkClass::Metadata
        | NetworkClass::Multicast
        | NetworkClass::Unspecified => Truth::No(WhyNot::Host),
    }
}

fn is_named(glob: &Glob, host: &str) -> bool {
    if glob.is_literal() {
        glob.as_str().eq_ignore_ascii_case(host)
    } else {
        glob.matches(host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aegis_types::Verdict;

    fn fact(host: Option<&str>, class: NetworkClass) -> HostFact {
        HostFact {
            written: String::new(),
            scheme: Some("https".to_owned()),
            host: host.map(str::to_owned),
            port: Some(443),
            class,
            causes: Vec::new(),
        }
    }

    fn named(glob: &str) -> HostPattern {
        HostPattern {
            name: vec![Glob::new(glob)],
            ..HostPattern::default()
        }
    }

    fn check(pattern: &HostPattern, fact: &HostFact, verdict: Verdict) -> Truth {
        pattern_holds(pattern, fact, Sense::of(verdict))
    }

    #[test]
    fn a_glob_covers_the_names_below_a_domain_and_not_the_domain() {
        let pattern = named("*.example.org");
        let name = |host| fact(Some(host), NetworkClass::Name);
        let holds = |host| check(&pattern, &name(host), Verdict::Allow) == Truth::Yes;
        assert!(holds("a.example.org"));
        assert!(holds("a.b.example.org."));
        assert!(!holds("example.org"));
        assert!(!holds("a.example.org.evil.net"));
        assert!(!holds("evilexample.org"));
    }

    #[test]
    fn a_name_is_of_no_class_and_so_satisfies_no_allow_that_needs_one() {
        let pattern = HostPattern {
            class: vec![NetworkClass::Global],
            ..HostPattern::default()
        };
        let name = fact(Some("example.org"), NetworkClass::Name);
        assert!(check(&pattern, &name, Verdict::Allow).is_unknown());
        assert!(!check(&pattern, &name, Verdict::Deny).is_possible());
        let unknown = fact(None, NetworkClass::Unknown);
        assert!(check(&pattern, &unknown, Verdict::Deny).is_unknown());
    }

    #[test]
    fn scheme_and_port_must_hold_too() {
        let pattern = HostPattern {
            scheme: vec!["http".into()],
            port: vec![443],
            ..named("example.org")
        };
        let fact = fact(Some("example.org"), NetworkClass::Name);
        assert!(!check(&pattern, &fact, Verdict::Deny).is_possible());
        let mut unwritten = fact.clone();
        unwritten.scheme = None;
        assert!(check(&pattern, &unwritten, Verdict::Deny).is_unknown());
    }
}
