//! Facts about the world, gathered before deciding: the only I/O of a decision.

pub(crate) mod address;
pub(crate) mod alike;
pub(crate) mod archive;
pub(crate) mod cell;
pub(crate) mod detour;
pub(crate) mod effects;
pub(crate) mod ending;
mod expression;
pub(crate) mod find;
pub(crate) mod fold;
pub(crate) mod git;
pub(crate) mod git_ignore;
pub(crate) mod git_index;
pub(crate) mod given;
pub(crate) mod glob;
pub(crate) mod held;
pub(crate) mod host;
pub(crate) mod language;
pub(crate) mod links;
pub(crate) mod listed;
pub(crate) mod near;
pub(crate) mod params;
pub(crate) mod patch;
pub(crate) mod programs;
pub(crate) mod resolve;
pub(crate) mod rights;
pub(crate) mod servers;
pub(crate) mod shell;
pub(crate) mod spelling;
pub(crate) mod sql;
pub(crate) mod standing;
pub(crate) mod tagged;
pub(crate) mod tool;
pub(crate) mod touches;
pub(crate) mod url_glob;
pub(crate) mod word;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aegis_shell::Touched;
use aegis_types::{
    Access, Action, ActionRequest, Context, Derivation, Effect, EffectResource, Plan, Principal,
    Timestamp,
};
use serde_json::Value;

use self::held::Shown;
use self::params::Sought;
use self::resolve::{Last, Resolver};
use self::servers::KnownTool;
use self::shell::{Line, touch_line};
use self::tool::{Subject, Tool};
use self::touches::{Reached, Touches};
use crate::proposal::Proposal;
use crate::protected::{Protected, Reach};
use crate::settings::Settings;
use crate::siblings::Pending;
use crate::surroundings::Surroundings;

/// Everything that facts are gathered from.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) proposal: &'a Proposal,
    pub(crate) at: Timestamp,
    pub(crate) settings: &'a Settings,
    pub(crate) surroundings: &'a Surroundings,
    pub(crate) protected: &'a Protected,
    /// Requests of the session that were let happen and have not ended.
    pub(crate) pending: &'a [Arc<Pending>],
}

/// Returns the request of a proposal, with no more than what was said.
pub(crate) fn bare(scene: &Scene<'_>) -> ActionRequest {
    let proposal = scene.proposal;
    let tool = tool::tool(&proposal.tool);
    ActionRequest {
        id: proposal.id.clone(),
        at: scene.at,
        principal: Principal {
            tenant: scene.settings.tenant.value.clone(),
            session: proposal.session.clone(),
            agent: proposal
                .agent
                .clone()
                .unwrap_or_else(|| scene.settings.agent.value.clone()),
            subagent: proposal.subagent.clone(),
            user: proposal
                .user
                .clone()
                .or_else(|| scene.surroundings.account.clone()),
        },
        action: tool.action,
        tool: proposal.tool.clone(),
        resource: tool::resource(&proposal.tool, &tool, &proposal.params),
        params: proposal.params.clone(),
        context: Context {
            directory: proposal.directory.to_string_lossy().into_owned(),
            home: scene.surroundings.home.to_string_lossy().into_owned(),
            environment: scene.settings.environment.value.clone(),
            host_mode: proposal.host_mode.clone(),
            skill: proposal.skill.clone(),
            tagged: proposal.tagged,
            derived_by: Derivation {
                program: env!("CARGO_PKG_VERSION").to_owned(),
                shell: aegis_shell::VERSION,
                programs: aegis_shell::PROGRAMS_VERSION,
            },
            ..Context::default()
        },
    }
}

/// Returns the request of a proposal with the facts it is decided on.
pub(crate) fn gather(scene: &Scene<'_>) -> ActionRequest {
    let mut request = bare(scene);
    let written = &scene.proposal.params;
    let readable = match tagged::readable(&scene.proposal.params) {
        Cow::Borrowed(_) => None,
        Cow::Owned(params) => Some(Proposal {
            params,
            ..scene.proposal.clone()
        }),
    };
    let scene = &Scene {
        proposal: readable.as_ref().unwrap_or(scene.proposal),
        ..*scene
    };
    let plain = Resolver::default();
    let real = |path: &Path| {
        plain
            .follow(Path::new("/"), path, Last::Followed)
            .map_or_else(|| path.to_path_buf(), |found| found.path)
    };
    let base = real(&scene.proposal.directory);
    request.context.directory = base.to_string_lossy().into_owned();
    request.context.home = real(&scene.surroundings.home)
        .to_string_lossy()
        .into_owned();
    let mut touches = Touches::new(scene.protected, &base, &plain);
    for pending in scene.pending {
        plan_links_of(pending, scene, &mut touches);
    }
    let links_before = touches.resolver.links().len();
    let tool = tool::tool(&scene.proposal.tool);
    add_by_tool(scene, written, &tool, &mut touches, &mut request);
    if touches.resolver.links().len() > links_before {
        redirect_pending(scene, &mut touches);
    }
    let told = std::mem::take(&mut request.context.effects);
    let (effects, is_whole) = effects::all(&touches.paths, &request.context.home, told);
    request.context.effects = effects;
    if !is_whole {
        effects::are_cut(&mut request);
    }
    request.context.paths = touches.paths;
    request.context.protected = touches.touched;
    request
}

/// Adds what a tool is given; `written` are its parameters as they came.
fn add_by_tool(
    scene: &Scene<'_>,
    written: &Value,
    tool: &Tool,
    touches: &mut Touches<'_>,
    request: &mut ActionRequest,
) {
    match tool.subject {
        Subject::CommandLine(key) => {
            let text = text_param(scene, key);
            add_line(scene, aegis_shell::plan(text), text, touches, request);
        }
        Subject::PowerShell(key) => {
            let text = text_param(scene, key);
            let plan = aegis_shell::plan_powershell(text);
            add_line(scene, plan, text, touches, request);
        }
        Subject::Url(key) => {
            // A list of addresses is no address, but a host that takes one reads each.
            let listed = scene.proposal.params.get(key).and_then(Value::as_array);
            let listed = listed.map(|items| items.iter().filter_map(Value::as_str).collect());
            let listed = listed.filter(|texts: &Vec<&str>| !texts.is_empty());
            let texts: Vec<&str> = listed.unwrap_or_else(|| vec![text_param(scene, key)]);
            for text in texts {
                let fact = host::of_url(text);
                let fact = fact.unwrap_or_else(|| host::of_address(text, Some("https")));
                given::add_host(fact, request);
                if text.trim_start().to_ascii_lowercase().starts_with("file:") {
                    add_read(scene, text.trim(), touches);
                }
            }
        }
        Subject::Path(_) => {}
        Subject::Named(_) => {}
        Subject::Server | Subject::ServerNamed(_) | Subject::None => {
            let known = known_tool(scene);
            let sought = Sought {
                roles: Some(&known.roles),
                is_database: tool::is_database(&scene.proposal.tool),
                language: language::language(&scene.proposal.tool),
                runs_lines: language::runs_lines(&scene.proposal.tool),
                ..Sought::default()
            };
            let told = params::told(&scene.proposal.params, sought);
            given::add(scene, &told, &known, touches, request);
            if *written != scene.proposal.params {
                let told = params::told(written, sought);
                given::add(scene, &told, &known, touches, request);
            }
        }
    }
    if matches!(tool.subject, Subject::Path(_)) || !tool.paths.is_empty() {
        add_paths(scene, tool, touches);
    }
    match &*scene.proposal.tool {
        "Grep" => add_searched(scene, touches),
        "NotebookEdit" => add_cell(scene, touches, request),
        _ => {}
    }
    add_effects(scene, tool, request);
    if is_odd(tool, written) {
        let sought = Sought {
            any_path: true,
            any_line: tool.action == Action::ShellExec,
            ..Sought::default()
        };
        let told = params::told(written, sought);
        given::add(scene, &told, &KnownTool::default(), touches, request);
    }
}

/// Adds what the cell of a notebook gives to a shell.
fn add_cell(scene: &Scene<'_>, touches: &mut Touches<'_>, request: &mut ActionRequest) {
    let lines = cell::shell_lines(text_param(scene, "new_source"));
    if !lines.is_empty() {
        let text = lines.join("\n");
        add_line(scene, aegis_shell::plan(&text), &text, touches, request);
    }
}

/// Adds the files that a search is kept to, where its pattern names them, and the
/// secrets whose lines it shows.
fn add_searched(scene: &Scene<'_>, touches: &mut Touches<'_>) {
    let pattern = text_param(scene, "glob");
    if text_param(scene, "output_mode") == "content" {
        let folder = Some(text_param(scene, "path")).filter(|path| !path.is_empty());
        let folder = folder.unwrap_or(".");
        let shown = Shown::of_search(text_param(scene, "pattern"), pattern);
        let path = from_home(folder, scene.surroundings);
        held::add_all(scene.surroundings, (&path, folder), &shown, touches);
    }
    let name = pattern.trim_start_matches("**/").trim_end_matches('*');
    if name.is_empty() || name.contains(['*', '?', '[', '{', '!']) {
        return;
    }
    match text_param(scene, "path") {
        "" => add_read(scene, name, touches),
        folder => add_read(scene, &format!("{folder}/{name}"), touches),
    }
}

/// Adds a file that is read, in every form in which its path may be read.
fn add_read(scene: &Scene<'_>, text: &str, touches: &mut Touches<'_>) {
    for form in spelling::path_forms(text) {
        let path = from_home(&form, scene.surroundings);
        touches.reach(&Reached {
            path: &path,
            written: &form,
            reach: Reach::possible(Access::READ),
            is_unknown: false,
            through: text,
        });
    }
}

fn known_tool(scene: &Scene<'_>) -> KnownTool {
    match tool::server_and_tool(&scene.proposal.tool) {
        Some((server, tool)) => servers::known_tool(server, tool, scene.settings, None),
        // What a patch names is changed, moved or removed.
        None if language::is_patch(&scene.proposal.tool) => KnownTool {
            access: Some(Access::READ.or(Access::WRITE).or(Access::DELETE)),
            ..KnownTool::default()
        },
        None => KnownTool::default(),
    }
}

/// Adds what the table says that a tool does, whatever it is given.
fn add_effects(scene: &Scene<'_>, tool: &Tool, request: &mut ActionRequest) {
    for (kind, key) in tool.effects {
        let text = text_param(scene, key);
        let name = if text.is_empty() {
            &scene.proposal.tool
        } else {
            text
        };
        request.context.effects.push(Effect {
            kind: *kind,
            resource: EffectResource::Named(name.to_owned()),
            causes: Vec::new(),
        });
    }
}

fn text_param<'a>(scene: &Scene<'a>, key: &str) -> &'a str {
    let value = scene.proposal.params.get(key);
    value.and_then(|value| value.as_str()).unwrap_or_default()
}

fn add_line(
    scene: &Scene<'_>,
    plan: Plan,
    text: &str,
    touches: &mut Touches<'_>,
    request: &mut ActionRequest,
) {
    let line = Line {
        text,
        plan: &plan,
        surroundings: scene.surroundings,
        is_certain: true,
    };
    let touched = touch_line(&line, touches);
    request.context.nested_agents = programs::judge(&line, touches);
    request.context.programs = standing::programs(&line, touches);
    add_plan(plan, touched, true, touches, request);
}

/// Adds a plan whose commands touch what `touched` says, what it does and the
/// hosts it speaks to; `is_certain` says whether a shell surely gets its text.
fn add_plan(
    mut plan: Plan,
    touched: Vec<Vec<Touched>>,
    is_certain: bool,
    touches: &mut Touches<'_>,
    request: &mut ActionRequest,
) {
    let mut effects = aegis_shell::effects_of(&plan, touched);
    ending::touch(&plan, &effects, is_certain, touches);
    let (detours, has_all_detours) = detour::of_plan(&plan);
    if effects.len() >= aegis_shell::EFFECTS_MAX || !has_all_detours {
        plan.unknowns.push(effects::too_complex());
    }
    let mut hosts = effects::hosts(&plan, &effects);
    request.context.effects.append(&mut effects);
    request.context.hosts.append(&mut hosts);
    for fact in detours {
        if !request.context.hosts.contains(&fact) {
            request.context.hosts.push(fact);
        }
    }
    request.context.plan = Some(plan);
}

/// Returns whether a tool that is known is not given what it usually is.
///
/// What the host makes of that cannot be told: it may drop it, turn it into
/// text, or take the first of two values.
fn is_odd(tool: &Tool, params: &Value) -> bool {
    let (Subject::Path(key) | Subject::CommandLine(key) | Subject::PowerShell(key)) = tool.subject
    else {
        return false;
    };
    let is_tagged = aegis_canon::is_tagged(params);
    match params.get(key) {
        Some(value) => is_tagged || !(value.is_string() || aegis_canon::is_tagged(value)),
        None => tool.action != Action::FsSearch || !params.is_object(),
    }
}

/// Adds the paths that a tool for files is given.
fn add_paths(scene: &Scene<'_>, tool: &Tool, touches: &mut Touches<'_>) {
    let reach = Reach::certain(tool.access).deep(tool.is_deep);
    let mut any = false;
    let text_of = |key: &str| scene.proposal.params.get(key).and_then(|it| it.as_str());
    let mut given = tool.paths.iter().filter_map(|key| text_of(key));
    let texts = match text_of("pattern").filter(|_| &*scene.proposal.tool == "Glob") {
        Some(pattern) => tool::folders_of_search(given.next(), pattern),
        None => given.map(str::to_owned).collect(),
    };
    for text in &texts {
        any = true;
        for form in spelling::path_forms(text) {
            let path = from_home(&form, scene.surroundings);
            touches.reach(&Reached {
                path: &path,
                written: &form,
                reach,
                is_unknown: false,
                through: text,
            });
        }
    }
    match tool.action {
        // Without a path a search begins where the agent works.
        Action::FsSearch if !any => touches.reach(&Reached {
            path: touches.base,
            written: ".",
            reach,
            is_unknown: false,
            through: ".",
        }),
        Action::FsRead | Action::FsWrite if !any => touches.add_unresolved("", tool.access),
        Action::FsRead
        | Action::FsWrite
        | Action::FsSearch
        | Action::ShellExec
        | Action::NetFetch
        | Action::NetSearch
        | Action::McpCall
        | Action::AgentStart
        | Action::SkillUse
        | Action::ToolCall => {}
    }
}

fn from_home(text: &str, surroundings: &Surroundings) -> PathBuf {
    match text.strip_prefix("~/") {
        Some(rest) => surroundings.home.join(rest),
        None if text == "~" => surroundings.home.clone(),
        None => PathBuf::from(text),
    }
}

/// Plans the links that a pending request makes.
fn plan_links_of(pending: &Pending, scene: &Scene<'_>, touches: &mut Touches<'_>) {
    let Some(plan) = &pending.context.plan else {
        return;
    };
    let base = PathBuf::from(&pending.context.directory);
    let line = Line {
        text: "",
        plan,
        surroundings: scene.surroundings,
        is_certain: true,
    };
    let mut there = Touches::new(scene.protected, &base, &touches.resolver);
    there.resolver = touches.resolver.clone();
    for command in &plan.commands {
        for link in links::planned(&line, command, &there) {
            there.resolver.plan(link.clone());
            touches.resolver.plan(link);
        }
    }
}

/// Judges what the links of this request do to writes that are pending.
fn redirect_pending(scene: &Scene<'_>, touches: &mut Touches<'_>) {
    for pending in scene.pending {
        for fact in &pending.context.paths {
            let Some(resolved) = &fact.resolved else {
                continue;
            };
            let found =
                touches
                    .resolver
                    .follow(Path::new("/"), Path::new(resolved), Last::Followed);
            let moved = found.filter(|found| found.path.as_path() != Path::new(resolved));
            if let Some(found) = moved {
                let through = format!("{} while {} is pending", fact.written, pending.id);
                touches.reach(&Reached {
                    path: &found.path,
                    written: &through,
                    reach: Reach::certain(fact.access),
                    is_unknown: false,
                    through: &through,
                });
            }
        }
    }
}
