//! What waits for a person, and who may answer.

use std::io::Read as _;
use std::process::Command;
use std::time::{Duration, Instant};

use aegis_api::{
    Address, AnswerRequest, ApprovalList, ApprovalReply, Client, DecisionRequest, SystemConnector,
};
use aegis_server::{Limits, Role};

use crate::decisions::{bash, refused};
use crate::stage::Stage;

/// The variable that names the socket to whoever plays an agent's child.
const AS_AGENT: &str = "AEGIS_TEST_AS_AGENT";

const GRANT: AnswerRequest = AnswerRequest {
    approved: true,
    note: None,
};

/// Asks by `client` and returns the name of the approval that waits.
fn ask(client: &Client, request: &DecisionRequest) -> String {
    let asked = client.decide(request).unwrap();
    assert_eq!(asked.verdict, "ask", "{asked:?}");
    let approval = asked.approval.unwrap();
    approval["approval_token"].as_str().unwrap().to_owned()
}

fn answer(client: &Client, id: &str) -> Result<ApprovalReply, aegis_api::ClientError> {
    client.post(&format!("/v1/approvals/{id}/answer"), &GRANT)
}

fn show(client: &Client, id: &str) -> Result<ApprovalReply, aegis_api::ClientError> {
    client.get(&format!("/v1/approvals/{id}"))
}

#[test]
fn an_approver_with_a_token_answers_what_an_agent_with_another_one_asked() {
    let stage = Stage::new();
    let agent = stage.remote(Some(&stage.token("acme", &[Role::Agent])));
    let approver = stage.remote(Some(&stage.token("acme", &[Role::Approver])));
    let request = bash("one", "git push --force");
    let id = ask(&agent, &request);
    let listed: ApprovalList = approver.get("/v1/approvals?status=pending").unwrap();
    assert_eq!(listed.approvals.len(), 1);
    assert_eq!(listed.approvals[0].approval.id.as_str(), id);
    let answered = answer(&approver, &id).unwrap();
    assert_eq!(answered.status.as_str(), "granted");
    assert_eq!(answered.answers[0].assurance.as_str(), "high");
    assert!(answered.answers[0].approver.as_str().starts_with("token:"));
    assert_eq!(agent.decide(&request).unwrap().verdict, "allow");
    assert_eq!(refused(answer(&approver, &id)), 409);
    let listed: ApprovalList = approver.get("/v1/approvals?status=pending").unwrap();
    assert_eq!(listed.approvals, Vec::new());
}

#[test]
fn a_token_makes_nothing_sure_where_the_service_is_the_agents_own_user() {
    let stage = Stage::new();
    let approver = stage.remote(Some(&stage.token("local", &[Role::Approver])));
    let id = ask(&stage.local(), &bash("one", "git push --force"));
    match answer(&approver, &id) {
        Ok(answered) => assert_eq!(answered.answers[0].assurance.as_str(), "host"),
        Err(error) => assert_eq!(refused::<()>(Err(error)), 403),
    }
}

#[test]
fn a_process_that_descends_from_an_agent_is_refused_whatever_token_it_holds() {
    if let Ok(given) = std::env::var(AS_AGENT) {
        let [socket, token, id]: [&str; 3] =
            given.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let client = Client::new(SystemConnector::default(), Address::Unix(socket.into()));
        assert_eq!(refused(answer(&client, id)), 403);
        let named = client.with_token(Some(token.to_owned()));
        assert_eq!(refused(answer(&named, id)), 403);
        return;
    }
    let stage = Stage::new();
    let token = stage.token("local", &[Role::Approver]);
    let id = ask(&stage.local(), &bash("one", "git push --force"));
    let name =
        "approvals::a_process_that_descends_from_an_agent_is_refused_whatever_token_it_holds";
    let given = format!("{} {token} {id}", stage.socket().display());
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name])
        .env(AS_AGENT, given)
        .env("CLAUDECODE", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success() && said.contains("1 passed"),
        "{said}"
    );
    let approver = stage.remote(Some(&token));
    assert_eq!(show(&approver, &id).unwrap().answers, Vec::new());
}

#[test]
fn an_agent_never_answers_and_sees_only_what_it_asked_itself() {
    let stage = Stage::new();
    let ana = stage.remote(Some(&stage.token_for("acme", &[Role::Agent], &["ana"])));
    let ben = stage.remote(Some(&stage.token_for("acme", &[Role::Agent], &["ben"])));
    let id = ask(&ana, &bash("one", "git push --force"));
    assert_eq!(show(&ana, &id).unwrap().status.as_str(), "pending");
    assert_eq!(refused(show(&ben, &id)), 404);
    assert_eq!(refused(answer(&ana, &id)), 403);
    assert_eq!(refused(answer(&ben, &id)), 403);
    assert_eq!(refused(ana.get::<ApprovalList>("/v1/approvals")), 403);
}

#[test]
fn an_approval_of_another_tenant_is_none() {
    let stage = Stage::new();
    let agent = stage.remote(Some(&stage.token("acme", &[Role::Agent])));
    let id = ask(&agent, &bash("one", "git push --force"));
    let roles = [Role::Approver, Role::Auditor, Role::Operator];
    let other = stage.remote(Some(&stage.token("other", &roles)));
    assert_eq!(refused(show(&other, &id)), 404);
    assert_eq!(refused(answer(&other, &id)), 404);
    let listed: ApprovalList = other.get("/v1/approvals").unwrap();
    assert_eq!(listed.approvals, Vec::new());
}

#[test]
fn who_may_answer_is_shown_the_whole_request_and_nobody_else_is() {
    let stage = Stage::new();
    let client = |role: Role| stage.remote(Some(&stage.token("acme", &[role])));
    let agent = client(Role::Agent);
    let line = format!("git push --force; {}echo THE-END", "true; ".repeat(300));
    let id = ask(&agent, &bash("one", &line));
    let shown = show(&client(Role::Approver), &id).unwrap();
    assert!(shown.approval.summary.ends_with(" characters)"));
    let request = shown.request.unwrap();
    assert_eq!(request["args"]["command"], line);
    assert_eq!(request["call_id"], "one");
    assert_eq!(shown.left_out, None);
    for other in [agent, client(Role::Auditor), client(Role::Operator)] {
        let shown = show(&other, &id).unwrap();
        assert_eq!((shown.request, shown.left_out), (None, None));
    }
    let listed: ApprovalList = client(Role::Approver).get("/v1/approvals").unwrap();
    assert_eq!(listed.approvals[0].request, None);
}

#[test]
fn an_approver_is_shown_the_request_that_was_asked_and_told_what_is_not_recorded() {
    let stage = Stage::new();
    let agent = stage.remote(Some(&stage.token("acme", &[Role::Agent])));
    let approver = stage.remote(Some(&stage.token("acme", &[Role::Approver])));
    let secret = "ghp_0123456789abcdefghijABCDEFGHIJ456789";
    let id = ask(
        &agent,
        &bash("one", &format!("git push --force https://{secret}@h/x")),
    );
    // Another request that takes the name changes nothing of what was asked.
    let _ = agent.decide(&bash("one", "ls"));
    let shown = show(&approver, &id).unwrap();
    let command = shown.request.unwrap()["args"]["command"].clone();
    let command = command.as_str().unwrap();
    assert!(
        command.starts_with("git push --force https://[redacted:") && !command.contains(secret),
        "{command}"
    );
    let left_out = shown.left_out.unwrap();
    assert!(left_out.contains("are not recorded"), "{left_out}");
}

#[test]
fn who_waits_for_an_answer_learns_of_it_at_once() {
    let stage = Stage::new();
    let agent = stage.remote(Some(&stage.token("acme", &[Role::Agent])));
    let approver = stage.remote(Some(&stage.token("acme", &[Role::Approver])));
    let id = ask(&agent, &bash("one", "git push --force"));
    let path = format!("/v1/approvals/{id}?wait=20s");
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| {
            let begun = Instant::now();
            let view: ApprovalReply = agent.get(&path).unwrap();
            (view, begun.elapsed())
        });
        answer(&approver, &id).unwrap();
        let (view, waited) = waits.join().unwrap();
        assert_eq!(view.status.as_str(), "granted");
        assert!(waited < Duration::from_secs(10), "{waited:?}");
    });
}

#[test]
fn a_wait_ends_in_time_and_without_an_answer() {
    let stage = Stage::new();
    let agent = stage.remote(Some(&stage.token("acme", &[Role::Agent])));
    let id = ask(&agent, &bash("one", "git push --force"));
    let begun = Instant::now();
    let view: ApprovalReply = agent
        .get(&format!("/v1/approvals/{id}?wait=300ms"))
        .unwrap();
    assert_eq!(view.status.as_str(), "pending");
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert_eq!(
        refused(agent.get::<ApprovalReply>(&format!("/v1/approvals/{id}?wait=x"))),
        400
    );
}

#[test]
fn only_so_many_wait_at_a_time_and_the_service_ends_without_them() {
    let stage = Stage::with(Limits {
        waits: 1,
        ..Limits::default()
    });
    let token = stage.token("acme", &[Role::Agent]);
    let agent = stage.remote(Some(&token));
    let id = ask(&agent, &bash("one", "git push --force"));
    let path = format!("/v1/approvals/{id}?wait=60s");
    let mut both = [(); 2].map(|()| stage.open("GET", &path, Some(&token), "", ""));
    let begun = Instant::now();
    let refusal = 'found: loop {
        for stream in &mut both {
            let soon = Some(Duration::from_millis(20));
            stream.set_read_timeout(soon).unwrap();
            let mut head = [0_u8; 12];
            if stream.read_exact(&mut head).is_ok() {
                break 'found head;
            }
        }
        assert!(begun.elapsed() < Duration::from_secs(10));
    };
    assert_eq!(&refusal, b"HTTP/1.1 503");
    let begun = Instant::now();
    drop(stage);
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn nobody_but_the_service_says_which_account_asks() {
    let stage = Stage::new();
    let agent = stage.remote(Some(&stage.token("acme", &[Role::Agent])));
    for name in ["user:1000", "token:abc"] {
        let mut request = bash("one", "ls");
        request.user_id = Some(name.to_owned());
        assert_eq!(refused(agent.decide(&request)), 400);
    }
}
