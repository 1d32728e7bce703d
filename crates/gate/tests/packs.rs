//! What the packs that come with the program say about an ordinary day and a bad one.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

mod machine;

use aegis_gate::WaitFor;
use aegis_policy::{Asked, Source, pack_names, pack_tests, parse_tests};
use machine::Machine;
use serde_json::{Value, json};

#[test]
fn each_pack_is_quiet_and_firm_where_it_says() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    let tested = pack_names().filter_map(|pack| Some((pack, pack_tests(pack)?)));
    for (pack, text) in tested {
        let policy = json!({"aegis": "policy/v1", "name": "own", "extends": pack});
        let machine = Machine::new(&[&policy.to_string()]);
        let tests = parse_tests(&Source::new(pack, text)).unwrap();
        assert_eq!(&*tests.policy.name, pack);
        for (number, case) in tests.cases.iter().enumerate() {
            let Asked::Call(call) = &case.asked else {
                panic!("{case:?}");
            };
            let params: Value = serde_json::from_str(&call.params).unwrap();
            let mut proposal = machine.proposal(&format!("call-{number}"), &call.tool, params);
            // One session may have few approvals pending.
            proposal.session = format!("session-{number}").parse().unwrap();
            let found = machine.gate().submit(&proposal, WaitFor::Later);
            seen += 1;
            if found.decision.verdict != case.expected.verdict {
                let found = found.decision.verdict;
                wrong.push(format!("{pack}: {}: {found}", call.params));
            }
        }
    }
    assert!(seen > 140, "{seen} calls were decided");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
