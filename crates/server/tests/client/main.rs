//! The service against its own description, as another program reads it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    missing_docs
)]

#[path = "../service/stage.rs"]
mod stage;

use std::process::Command;

use aegis_server::Role;

use stage::Stage;

/// What schemathesis looks at in every reply.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,unsupported_method";

/// Sends what the description allows, and what it does not, as who has `roles`.
fn check(roles: &[Role]) {
    let program = std::env::var_os("AEGIS_TEST_SCHEMATHESIS").unwrap_or_else(|| {
        panic!(
            "this test is run by `cargo xtask test`, which fetches schemathesis and sets \
             AEGIS_TEST_SCHEMATHESIS to its program"
        )
    });
    let stage = Stage::new();
    let token = stage.token("local", roles);
    let place = stage.remote(None).address().to_string();
    let output = Command::new(program)
        .arg("run")
        .arg(format!("{place}/openapi.json"))
        .args(["--url", &place, "--checks", CHECKS])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        // It waits for the end of every reply, and a stream has none.
        .args(["--exclude-path", "/v1/events/stream"])
        // What it reads is no JSON, and comes over the socket only.
        .args(["--exclude-path", "/v1/hooks/claude-code"])
        .args(["--phases", "examples,coverage,fuzzing"])
        .args([
            "--max-examples",
            "25",
            "--seed",
            "7",
            "--generation-database",
            "none",
        ])
        .args(["--request-timeout", "20", "--no-color"])
        .current_dir(stage.socket().parent().unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_service_keeps_to_its_description_for_people() {
    check(&[Role::Approver, Role::Auditor, Role::Operator]);
}

#[test]
fn the_service_keeps_to_its_description_for_agents() {
    check(&[Role::Agent]);
}
