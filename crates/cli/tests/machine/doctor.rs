//! What the doctor says of a machine with a service.

use super::stage::{Machine, PROGRAMS, Told};

/// Returns the findings on the service and the grade, as people read them.
fn shown(told: &Told) -> String {
    let json = told.json();
    let findings = json["findings"].as_array().unwrap();
    let lines = findings.iter().filter_map(|finding| {
        let text = |key: &str| finding[key].as_str().unwrap_or_default();
        let is_ours = ["service", "grade"].contains(&text("part"));
        is_ours.then(|| format!("{:<8}{:<8}{}", text("part"), text("level"), text("text")))
    });
    let lines: Vec<String> = lines.collect();
    lines.join("\n")
}

fn doctor(machine: &Machine) -> String {
    let told = machine.agent(&format!("{PROGRAMS}/aegis doctor --json"));
    shown(&told)
}

fn shows(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(r"the number \d+|with id \d+", "[number]");
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn a_machine_with_a_sound_service_has_grade_g1_for_its_users() {
    let mut machine = Machine::served();
    shows("service-sound", &doctor(&machine));
    let told = machine.root(&[&format!("{PROGRAMS}/aegis"), "doctor", "--json"]);
    let text = shown(&told);
    assert!(
        text.contains("G0") && text.contains("root's account"),
        "{text}"
    );
    // Whatever is wrong takes the grade away.
    machine.stop();
    let script = "echo >> /etc/systemd/system/aegis.service; chmod 666 /etc/aegis/policy.yaml; \
                  chmod 755 /var/lib/aegis; echo >> /usr/local/lib/aegis/aegis-hook";
    machine.root(&["/bin/sh", "-c", script]).succeeds();
    shows("service-unsound", &doctor(&machine));
}

#[test]
fn a_service_of_somebody_else_is_none() {
    let mut machine = Machine::served();
    machine.stop();
    // Root lets another user's process listen where the service did.
    let script = "rm -rf /run/aegis; install --directory --owner=ada --mode=755 /run/aegis";
    machine.root(&["/bin/sh", "-c", script]).succeeds();
    let serve = format!("{PROGRAMS}/aegis serve --socket /run/aegis/aegis.sock --socket-mode 666");
    let begun = format!("(setsid {serve} >said 2>&1 &); until grep -q listening said; do :; done");
    machine.user("ada", &begun).succeeds();
    let text = doctor(&machine);
    assert!(text.contains("and not the service"), "{text}");
    assert!(text.contains("others may replace"), "{text}");
    assert!(text.contains("grade   note    G0"), "{text}");
}
