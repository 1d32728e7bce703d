//! The policy and its tests that fit a project.

use std::fmt::Write as _;

use super::Project;

const HEAD: &str = "\
# What agents may do in this project. The first rule that holds decides; rules of
# this file stand before those of what it extends. `aegis policy check` checks it,
# `aegis policy explain --command '…'` shows what it would decide, and why.
aegis: policy/v1
name: project
extends:
  # Quiet on an ordinary day, firm where harm is done.
  - aegis:developer
";

const LOOKING: &str = "  \
  # Looking at the project changes nothing, so nobody is asked.
  - aegis:look
  # To change files without being asked as well, add this one:
  # - aegis:edit
";

const RELEASE: &str = "  \
  # Releases are made by people.
  - id: release-by-people
    match:
      tool: Bash
      shell: {program: git, subcommand: push, arguments: [\"v[0-9]*\"]}
    verdict: ask
    risk: medium
    message: Pushing a release tag needs a person.
    examples:
      matches: [\"git push origin v1.2.0\"]
      misses: [\"git push origin feature-v\"]
";

const TESTS: &str = include_str!("../../templates/policy-tests.yaml");

/// Returns the policy for a project.
pub(crate) fn text(project: &Project) -> String {
    let mut text = HEAD.to_owned();
    text.push_str(LOOKING);
    for language in &project.languages {
        let _ = writeln!(
            text,
            "  # {} is there: build, check and test {}, and install what is locked.\n  - {}",
            language.file, language.name, language.pack
        );
    }
    text.push_str("\nrules:\n");
    text.push_str(RELEASE);
    if !project.pipelines.is_empty() {
        text.push_str(&pipeline_rule(project));
    }
    if let Some(file) = project.deploys {
        let _ = write!(
            text,
            "\n  # The target `deploy` of {file} reaches beyond this machine.\n  \
               - id: deploy-by-people\n    \
               match: {{shell: {{program: [make, gmake], arguments: deploy}}}}\n    \
               verdict: ask\n    \
               risk: high\n    \
               message: A deployment needs a person.\n    \
               examples:\n      \
               matches: [make deploy]\n      \
               misses: [make]\n"
        );
    }
    for file in &project.host_settings {
        let _ = write!(
            text,
            "\n# {file} has permissions of its own, which hold beside this file.\n\
             # `aegis policy import {file}` shows them as rules.\n"
        );
    }
    text
}

/// Returns the rule on what runs when a change is pushed.
fn pipeline_rule(project: &Project) -> String {
    let globs: Vec<String> = project
        .pipelines
        .iter()
        .map(|(_, glob)| format!("\"{glob}\""))
        .collect();
    let example = project.pipelines.first().map_or("", |(_, glob)| glob);
    let example = example.trim_start_matches("./").replace("**", "build.yml");
    format!(
        "\n  # What stands there runs by itself, with the keys of the project.\n  \
           - id: pipeline-by-people\n    \
           match: {{path: {{glob: [{}], access: [write, delete]}}}}\n    \
           verdict: ask\n    \
           risk: high\n    \
           message: The pipeline runs with the keys of the project. A person looks at what changes there.\n    \
           examples:\n      \
           matches: [\"rm {example}\"]\n      \
           misses: [\"cat {example}\"]\n",
        globs.join(", ")
    )
}

/// Returns the tests of that policy.
pub(crate) fn tests(project: &Project) -> String {
    let mut text = TESTS.to_owned();
    for language in &project.languages {
        let _ = write!(
            text,
            "\n  - name: {} is tested freely\n    command: {}\n    verdict: allow\n",
            language.name, language.test
        );
    }
    if project.deploys.is_some() {
        text.push_str(
            "\n  - name: a deployment waits for a person\n    command: make deploy\n    \
             verdict: ask\n    rule: deploy-by-people\n",
        );
    }
    text
}
