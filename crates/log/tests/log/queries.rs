//! What is found, and in which order.

use aegis_log::{Log, Query, Walk};
use aegis_types::{ChainId, EventKind, SessionId, TenantId};

use crate::making::{append_action, at, batch, entry, on_each_log, session, session_of};

/// Fills `log` with three sessions of two tenants.
fn fill(log: &dyn Log) {
    append_action(log, &session("one"), "a", 10);
    append_action(log, &session("two"), "b", 20);
    append_action(log, &session("one"), "c", 30);
    append_action(log, &session_of("other", "one"), "a", 40);
    let rejected = entry(EventKind::PolicyRejected, "policy.yaml", 25);
    log.append(batch(&session("two"), vec![rejected])).unwrap();
}

/// The subjects and places found, newest first.
fn check(query: Query<'_>, expected: &[&str]) {
    on_each_log(|log| {
        fill(log);
        let found: Vec<String> = log
            .newest(&query)
            .unwrap()
            .iter()
            .map(|envelope| {
                format!(
                    "{} {} {}",
                    envelope.chain.session().unwrap(),
                    envelope.seq,
                    envelope.subject.as_deref().unwrap()
                )
            })
            .collect();
        assert_eq!(found, expected, "{query:?}");
    });
}

const ALL: Query<'static> = Query {
    tenant: None,
    session: None,
    kinds: &[],
    subject: None,
    since: None,
    limit: 100,
};

#[test]
fn the_newest_come_first_and_the_limit_holds() {
    check(
        Query { limit: 3, ..ALL },
        &["two 2 policy.yaml", "one 1 a", "one 0 a"],
    );
    check(Query { limit: 0, ..ALL }, &[]);
}

#[test]
fn a_query_for_kinds_finds_frequent_and_rare_ones() {
    check(
        Query {
            kinds: &[EventKind::DecisionMade],
            ..ALL
        },
        &["one 1 a", "one 3 c", "two 1 b", "one 1 a"],
    );
    check(
        Query {
            kinds: &[EventKind::PolicyRejected, EventKind::TrustChanged],
            ..ALL
        },
        &["two 2 policy.yaml"],
    );
    check(
        Query {
            kinds: &[EventKind::HeadsMoved],
            ..ALL
        },
        &[],
    );
}

#[test]
fn a_query_for_a_session_stays_in_it() {
    let tenant: TenantId = "acme".parse().unwrap();
    let session: SessionId = "one".parse().unwrap();
    check(
        Query {
            tenant: Some(&tenant),
            session: Some(&session),
            limit: 3,
            ..ALL
        },
        &["one 3 c", "one 2 c", "one 1 a"],
    );
    check(
        Query {
            session: Some(&session),
            kinds: &[EventKind::ActionRequested],
            ..ALL
        },
        &["one 0 a", "one 2 c", "one 0 a"],
    );
    let unknown: SessionId = "unknown".parse().unwrap();
    check(
        Query {
            session: Some(&unknown),
            ..ALL
        },
        &[],
    );
}

#[test]
fn a_query_for_a_subject_finds_it_in_every_session_or_one() {
    let tenant: TenantId = "other".parse().unwrap();
    check(
        Query {
            subject: Some("a"),
            ..ALL
        },
        &["one 1 a", "one 0 a", "one 1 a", "one 0 a"],
    );
    check(
        Query {
            subject: Some("a"),
            tenant: Some(&tenant),
            kinds: &[EventKind::DecisionMade],
            ..ALL
        },
        &["one 1 a"],
    );
}

#[test]
fn a_time_bounds_a_query_although_clocks_may_step_back() {
    check(
        Query {
            since: Some(at(25)),
            ..ALL
        },
        &[
            "two 2 policy.yaml",
            "one 1 a",
            "one 0 a",
            "one 3 c",
            "one 2 c",
        ],
    );
    check(
        Query {
            since: Some(at(26)),
            limit: 1,
            ..ALL
        },
        &["one 1 a"],
    );
    check(
        Query {
            since: Some(at(41)),
            ..ALL
        },
        &[],
    );
}

#[test]
fn the_change_counter_rises_with_every_append() {
    on_each_log(|log| {
        let empty = log.change_counter().unwrap();
        append_action(log, &session("one"), "a", 10);
        let one = log.change_counter().unwrap();
        assert!(one > empty);
        assert_eq!(log.change_counter().unwrap(), one);
        append_action(log, &session("two"), "b", 20);
        assert!(log.change_counter().unwrap() > one);
    });
}

#[test]
fn a_session_of_which_nothing_is_recorded_has_nothing() {
    let tenant: TenantId = "t".parse().unwrap();
    let unknown: SessionId = "never".parse().unwrap();
    for subject in [None, Some("a")] {
        for since in [None, Some(at(0))] {
            for kinds in [
                &[][..],
                &[EventKind::DecisionMade],
                &[EventKind::ErrorRaised],
            ] {
                let query = Query {
                    tenant: Some(&tenant),
                    session: Some(&unknown),
                    kinds,
                    subject,
                    since,
                    limit: 1,
                };
                check(query, &[]);
                on_each_log(|log| assert_eq!(log.newest(&query).unwrap(), [], "{query:?}"));
            }
        }
    }
}

#[test]
fn a_walk_sees_everything_once_whichever_way_it_goes() {
    on_each_log(|log| {
        fill(log);
        let all: Vec<_> = log.newest(&ALL).unwrap();
        let step = Query { limit: 2, ..ALL };
        let mut later = Vec::new();
        let mut after = 0;
        loop {
            let found = log.walk(&step, Walk::After(after)).unwrap();
            let Some(last) = found.last() else { break };
            assert!(last.place > after);
            after = last.place;
            later.extend(found.into_iter().map(|placed| placed.envelope));
        }
        assert!(after <= log.change_counter().unwrap());
        later.reverse();
        assert_eq!(later, all);
        let mut earlier = Vec::new();
        let mut before = u64::MAX;
        loop {
            let found = log.walk(&step, Walk::Before(before)).unwrap();
            let Some(last) = found.last() else { break };
            before = last.place;
            earlier.extend(found.into_iter().map(|placed| placed.envelope));
        }
        assert_eq!(earlier, all);
    });
}

#[test]
fn a_walk_finds_what_its_query_asks_for() {
    on_each_log(|log| {
        fill(log);
        let (tenant, name): (TenantId, SessionId) =
            ("other".parse().unwrap(), "one".parse().unwrap());
        for query in [
            Query {
                tenant: Some(&tenant),
                ..ALL
            },
            Query {
                tenant: Some(&tenant),
                session: Some(&name),
                ..ALL
            },
            Query {
                subject: Some("a"),
                ..ALL
            },
            Query {
                since: Some(at(20)),
                kinds: &[EventKind::PolicyRejected],
                ..ALL
            },
            Query {
                since: Some(at(30)),
                ..ALL
            },
        ] {
            let expected = log.newest(&query).unwrap();
            let of = |walk| {
                let found = log.walk(&query, walk).unwrap().into_iter();
                found.map(|placed| placed.envelope).collect::<Vec<_>>()
            };
            assert_eq!(of(Walk::Before(u64::MAX)), expected, "{query:?}");
            let mut later = of(Walk::After(0));
            later.reverse();
            assert_eq!(later, expected, "{query:?}");
        }
    });
}

#[test]
fn chains_are_listed_page_by_page_as_all_of_them_are() {
    on_each_log(|log| {
        fill(log);
        for number in 0..9 {
            append_action(log, &session(&format!("more-{number}")), "d", 50);
        }
        let tenant = session("one").tenant().clone();
        let is_listed = |chain: &ChainId| *chain.tenant() == tenant && chain.session().is_some();
        let mut all = log.chains().unwrap();
        all.retain(|summary| is_listed(&summary.chain));
        for limit in [1, 4, 100] {
            let (mut found, mut after) = (Vec::new(), String::new());
            loop {
                let page = log.chains_after(&tenant, &after, limit).unwrap();
                assert!(page.len() <= limit);
                let Some(last) = page.last() else {
                    break;
                };
                after = last.chain.session().unwrap().to_string();
                found.extend(page);
            }
            assert_eq!(found, all, "{limit}");
        }
        let other = "nobody".parse().unwrap();
        assert_eq!(log.chains_after(&other, "", 9).unwrap(), []);
    });
}
