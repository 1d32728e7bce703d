//! `aegis init`: the files of a project.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::arguments::{InitArguments, SchemaKind};
use crate::command::schema;
use crate::here::Here;
use crate::page::{Page, Tone, piece};
use crate::project::{Project, policy};
use crate::report::{Failure, Report};

const SETTINGS: &str = include_str!("../../templates/settings.toml");

/// Makes `.aegis/` in the working directory; existing files stay unless `--force` is given.
///
/// An agent may make what is missing, and replaces nothing.
pub(crate) fn init(here: &Here, arguments: &InitArguments) -> Result<Report, Failure> {
    if arguments.force {
        here.refuse_agents()?;
    }
    let folder = here.directory.as_path();
    let root = folder.join(".aegis");
    refuse_links(&root)?;
    let project = Project::look(folder);
    let mut page = Page::default();
    let mut made = Vec::new();
    for name in ["scenarios", "reports", schema::FOLDER] {
        let wanted = root.join(name);
        let is_there = wanted.is_dir();
        fs::create_dir_all(&wanted).map_err(|source| failed(&wanted, &source))?;
        if !is_there && name != schema::FOLDER {
            let shown = format!(".aegis/{name}/");
            page.line(&[piece(Tone::Good, "made  "), piece(Tone::Plain, &shown)]);
            made.push(shown);
        }
    }
    let mut kept = Vec::new();
    for (name, text) in files(&project) {
        let path = root.join(&name);
        let shown = format!(".aegis/{name}");
        if write(&path, &text, arguments.force)? {
            page.line(&[piece(Tone::Good, "made  "), piece(Tone::Plain, &shown)]);
            made.push(shown);
        } else {
            page.line(&[
                piece(Tone::Quiet, "kept  "),
                piece(Tone::Plain, &shown),
                piece(Tone::Quiet, "  (exists; --force replaces it)"),
            ]);
            kept.push(shown);
        }
    }
    if made.iter().any(|name| name.ends_with("policy.yaml")) {
        page.blank();
        show(&mut page, &project);
    }
    for file in &project.unread {
        page.line(&[
            piece(Tone::Careful, "! "),
            piece(Tone::Plain, *file),
            piece(
                Tone::Quiet,
                "  cannot be read, so the policy says nothing of it",
            ),
        ]);
    }
    page.blank()
        .plain("Next:")
        .plain("  aegis policy check                     check the policy and its examples")
        .plain("  aegis policy test                      decide the cases of its tests")
        .plain("  aegis install claude-code --project    register Aegis with Claude Code here");
    Ok(Report::done(
        page,
        json!({
            "folder": root,
            "made": made,
            "kept": kept,
            "unread": project.unread,
            "languages": project.languages.iter().map(|it| it.name).collect::<Vec<_>>(),
        }),
    ))
}

/// Returns the files of a project, by their names below `.aegis/`.
fn files(project: &Project) -> Vec<(String, String)> {
    let bound = |kind, text: String| schema::line(kind) + &text;
    let policy = bound(SchemaKind::Policy, policy::text(project));
    let tests = bound(SchemaKind::PolicyTests, policy::tests(project));
    let mut files = vec![
        ("settings.toml".to_owned(), SETTINGS.to_owned()),
        ("policy.yaml".to_owned(), policy),
        ("policy-tests.yaml".to_owned(), tests),
    ];
    let kinds = [SchemaKind::Policy, SchemaKind::PolicyTests];
    files.extend(kinds.map(|kind| {
        let name = format!("{}/{}", schema::FOLDER, schema::file_name(kind));
        (name, schema::text(kind).into_owned())
    }));
    files
}

/// Says what was found, and what was chosen for it.
fn show(page: &mut Page, project: &Project) {
    let languages = project.languages.iter();
    let mut found: Vec<String> = languages
        .map(|it| format!("{} ({})", it.name, it.file))
        .collect();
    found.extend(
        project
            .pipelines
            .iter()
            .map(|(shown, _)| format!("a pipeline ({shown})")),
    );
    found.extend(
        project
            .deploys
            .map(|file| format!("a target `deploy` ({file})")),
    );
    found.extend(
        project
            .host_settings
            .iter()
            .map(|file| format!("permissions ({file})")),
    );
    if found.is_empty() {
        found.push("nothing that it knows".to_owned());
    }
    let mut chosen = vec!["aegis:developer", "aegis:look"];
    chosen.extend(project.languages.iter().map(|it| it.pack));
    let mut asked = vec!["release tags"];
    asked.extend((!project.pipelines.is_empty()).then_some("changes of the pipeline"));
    asked.extend(project.deploys.map(|_| "deployments"));
    let plain = |text: String| piece(Tone::Plain, text);
    page.fields(&[
        ("found", plain(found.join(", "))),
        ("packs", plain(chosen.join(", "))),
        ("asks about", plain(asked.join(", "))),
    ]);
}

/// Refuses to write where a link leads: a project may come with one.
fn refuse_links(root: &Path) -> Result<(), Failure> {
    let names = files(&Project::default()).into_iter().map(|(name, _)| name);
    let folders = ["scenarios", "reports", schema::FOLDER].map(str::to_owned);
    let files: Vec<PathBuf> = names.chain(folders).map(|name| root.join(name)).collect();
    for path in std::iter::once(root).chain(files.iter().map(PathBuf::as_path)) {
        let Ok(found) = fs::symlink_metadata(path) else {
            continue;
        };
        let is_folder = path == root || path.extension().is_none();
        if found.is_symlink() || found.is_dir() != is_folder {
            let wanted = match is_folder {
                true => "a folder",
                false => "a file",
            };
            let what = match found.is_symlink() {
                true => format!("a link, and not {wanted}"),
                false => format!("not {wanted}"),
            };
            return Err(
                Failure::environment(format!("`{}` is {what}", path.display()))
                    .remedy("move it away, and run `aegis init` again"),
            );
        }
    }
    Ok(())
}

/// Writes `text` and says whether it did; an existing file stays unless `force`.
fn write(path: &Path, text: &str, force: bool) -> Result<bool, Failure> {
    let mut options = fs::OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    match options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
    {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed(path, &error)),
    }
}

fn failed(path: &Path, source: &std::io::Error) -> Failure {
    Failure::environment(format!("cannot write `{}`: {source}", path.display()))
        .remedy("run `aegis init` in a folder in which you may write")
}
