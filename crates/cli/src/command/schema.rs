//! `aegis schema`: the JSON Schemas of the kinds of files.

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use aegis_server::openapi;
use clap::ValueEnum as _;
use serde_json::{Value, json};

use crate::arguments::{SchemaArguments, SchemaKind};
use crate::page::{Page, Tone, piece};
use crate::report::{Failure, Report};

const POLICY: &str = include_str!("../../schemas/policy.schema.json");
const POLICY_TESTS: &str = include_str!("../../schemas/policy-tests.schema.json");
const FIREWALL: &str = include_str!("../../schemas/firewall.schema.json");
const ACTION_RULES: &str = include_str!("../../schemas/action-rules.schema.json");
const SERVICE: &str = include_str!("../../schemas/service.schema.json");
const PRINCIPALS: &str = include_str!("../../schemas/principals.schema.json");
const ENVELOPE: &str = include_str!("../../schemas/envelope.schema.json");

/// Prints one schema, or writes all of them.
pub(crate) fn answer(arguments: &SchemaArguments) -> Result<Report, Failure> {
    match (arguments.kind, &arguments.all) {
        (Some(kind), _) => print(kind),
        (None, Some(folder)) => write(folder),
        (None, None) => Err(Failure::usage(
            "there is no kind of file to print a schema of",
        )),
    }
}

fn print(kind: SchemaKind) -> Result<Report, Failure> {
    let text = text(kind);
    let json: Value = serde_json::from_str(&text)
        .map_err(|error| Failure::environment(format!("the schema is damaged: {error}")))?;
    let mut page = Page::default();
    page.block(&text);
    Ok(Report::done(page, json))
}

pub(crate) fn text(kind: SchemaKind) -> Cow<'static, str> {
    match kind {
        SchemaKind::Policy => POLICY.into(),
        SchemaKind::PolicyTests => POLICY_TESTS.into(),
        SchemaKind::Firewall => FIREWALL.into(),
        SchemaKind::ActionRules => ACTION_RULES.into(),
        SchemaKind::Envelope => ENVELOPE.into(),
        SchemaKind::Service => SERVICE.into(),
        SchemaKind::Principals => PRINCIPALS.into(),
        SchemaKind::Openapi => format!("{:#}\n", openapi()).into(),
    }
}

/// Returns the names of the files that are of a kind wherever they lie; those of
/// the other kinds have no name of their own.
const fn usual_names(kind: SchemaKind) -> &'static [&'static str] {
    match kind {
        SchemaKind::Policy => &["**/.aegis/policy.yaml", "**/aegis/policy.yaml"],
        SchemaKind::PolicyTests => &["**/.aegis/policy-tests.yaml"],
        SchemaKind::Service => &["**/aegis.yaml"],
        SchemaKind::Firewall
        | SchemaKind::Principals
        | SchemaKind::ActionRules
        | SchemaKind::Envelope
        | SchemaKind::Openapi => &[],
    }
}

/// The folder beside a policy that holds the schemas its first line names.
pub(crate) const FOLDER: &str = "schemas";

/// Returns the name of the file that holds a schema.
pub(crate) fn file_name(kind: SchemaKind) -> String {
    let name = kind.to_possible_value();
    let name = name.as_ref().map_or("", |it| it.get_name());
    format!("{name}.schema.json")
}

/// Returns the line that tells an editor the schema of a file that is made; the
/// schema lies in [`FOLDER`] beside it.
pub(crate) fn line(kind: SchemaKind) -> String {
    format!(
        "# yaml-language-server: $schema={FOLDER}/{}\n",
        file_name(kind)
    )
}

/// Writes every schema into `folder`, and a catalog in the form that editors take.
fn write(folder: &Path) -> Result<Report, Failure> {
    let failed = |source: std::io::Error| {
        let folder = folder.display();
        Failure::environment(format!("cannot write into `{folder}`: {source}"))
    };
    fs::create_dir_all(folder).map_err(failed)?;
    // A project may come with a link that leads elsewhere.
    let put = |name: &str, text: &str| {
        let path = folder.join(name);
        if path.is_symlink() {
            return Err(
                Failure::environment(format!("`{}` is a link", path.display()))
                    .remedy("move it away, or name another folder"),
            );
        }
        fs::write(path, text).map_err(failed)
    };
    let mut page = Page::default();
    let mut names = Vec::new();
    let mut entries = Vec::new();
    // The interface of the service is no kind of file.
    let kinds = SchemaKind::value_variants().iter();
    for kind in kinds.filter(|kind| **kind != SchemaKind::Openapi) {
        let name = file_name(*kind);
        let kind_name = name.trim_end_matches(".schema.json");
        put(&name, &text(*kind))?;
        entries.push(json!({
            "name": format!("Aegis {kind_name}"),
            "description": description(*kind),
            "fileMatch": usual_names(*kind),
            "url": format!("./{name}"),
        }));
        names.push(name);
    }
    let catalog = json!({"version": 1, "schemas": entries});
    put("catalog.json", &format!("{catalog:#}\n"))?;
    names.push("catalog.json".to_owned());
    for name in &names {
        page.line(&[piece(Tone::Good, "made  "), piece(Tone::Plain, name)]);
    }
    Ok(Report::done(page, json!({"folder": folder, "made": names})))
}

/// Returns what the schema says of itself.
fn description(kind: SchemaKind) -> Value {
    let schema: Value = serde_json::from_str(&text(kind)).unwrap_or_default();
    schema.get("title").cloned().unwrap_or_default()
}
