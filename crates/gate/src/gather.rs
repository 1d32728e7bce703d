//! Facts about the world, gathered before deciding: the only I/O of a decision.

pub(crate) mod effects;
pub(crate) mod find;
pub(crate) mod git;
pub(crate) mod git_index;
pub(crate) mod glob;
pub(crate) mod host;
pub(crate) mod links;
pub(crate) mod near;
pub(crate) mod params;
pub(crate) mod programs;
pub(crate) mod resolve;
pub(crate) mod shell;
pub(crate) mod tagged;
pub(crate) mod tool;
pub(crate) mod touches;
pub(crate) mod word;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aegis_types::{Access, Action, ActionRequest, Context, Derivation, Plan, Principal, Timestamp};

use self::params::Param;
use self::resolve::{Last, Resolver};
use self::shell::{Line, touch_line};
use self::tool::{Subject, Tool};
use self::touches::{Reached, Touches};
use crate::proposal::Proposal;
use crate::protected::{Protected, Reach};
use crate::settings::Settings;
use crate::surroundings::Surroundings;

/// The version of the tables here; recorded with what they derive.
const PROGRAMS_VERSION: u32 = 1;

/// Everything that facts are gathered from.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) proposal: &'a Proposal,
    pub(crate) at: Timestamp,
    pub(crate) settings: &'a Settings,
    pub(crate) surroundings: &'a Surroundings,
    pub(crate) protected: &'a Protected,
    /// Requests of the session that were let happen and have not ended.
    pub(crate) pending: &'a [Arc<ActionRequest>],
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
            user: proposal.user.clone(),
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
                programs: PROGRAMS_VERSION,
            },
            ..Context::default()
        },
    }
}

/// Returns the request of a proposal with the facts it is decided on.
pub(crate) fn gather(scene: &Scene<'_>) -> ActionRequest {
    let mut request = bare(scene);
    let readable = Proposal {
        params: tagged::readable(&scene.proposal.params),
        ..scene.proposal.clone()
    };
    let scene = &Scene {
        proposal: &readable,
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
    let mut touches = Touches::new(scene.protected, &base);
    for pending in scene.pending {
        plan_links_of(pending, scene, &mut touches);
    }
    let links_before = touches.resolver.links().len();
    let tool = tool::tool(&scene.proposal.tool);
    match tool.subject {
        Subject::CommandLine(key) => {
            let text = text_param(scene, key);
            add_line(
                scene,
                aegis_shell::plan(text),
                text,
                &mut touches,
                &mut request,
            );
        }
        Subject::PowerShell(key) => {
            let text = text_param(scene, key);
            let plan = aegis_shell::plan_powershell(text);
            add_line(scene, plan, text, &mut touches, &mut request);
        }
        Subject::Url(key) => {
            let text = text_param(scene, key);
            let fact = host::of_url(text).unwrap_or_else(|| host::of_address(text, Some("https")));
            request.context.hosts.push(fact);
        }
        Subject::Path(_) => add_paths(scene, &tool, &base, &mut touches),
        Subject::Named(_) => {}
        Subject::Server | Subject::None => add_told_by_name(scene, &mut touches, &mut request),
    }
    if touches.resolver.links().len() > links_before {
        redirect_pending(scene, &mut touches);
    }
    let mut effects = effects::of_paths(&touches.paths);
    effects.append(&mut request.context.effects);
    request.context.effects = effects;
    request.context.paths = touches.paths;
    request.context.protected = touches.touched;
    request
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
    touch_line(&line, touches);
    request.context.nested_agents = programs::judge(&line, touches);
    let (effects, hosts) = effects::of_plan(&plan);
    request.context.effects = effects;
    request.context.hosts = hosts;
    request.context.plan = Some(plan);
}

/// Adds the paths that a tool for files is given.
fn add_paths(scene: &Scene<'_>, tool: &Tool, base: &Path, touches: &mut Touches<'_>) {
    let mut any = false;
    for key in tool.paths {
        let Some(text) = scene.proposal.params.get(*key).and_then(|it| it.as_str()) else {
            continue;
        };
        any = true;
        let path = from_home(text, scene.surroundings);
        touches.reach(&Reached {
            path: &path,
            written: text,
            reach: Reach {
                access: tool.access,
                is_certain: true,
                is_deep: tool.is_deep,
            },
            is_unknown: false,
            through: text,
        });
    }
    match tool.action {
        // Without a path a search begins where the agent works.
        Action::FsSearch if !any => touches.reach(&Reached {
            path: base,
            written: ".",
            reach: Reach {
                access: tool.access,
                is_certain: true,
                is_deep: tool.is_deep,
            },
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

/// Adds the paths and addresses that a tool which is not known is given.
fn add_told_by_name(scene: &Scene<'_>, touches: &mut Touches<'_>, request: &mut ActionRequest) {
    for param in params::told_by_name(&scene.proposal.params) {
        match param {
            Param::Path(text) => {
                let path = from_home(&text, scene.surroundings);
                touches.reach(&Reached {
                    path: &path,
                    written: &text,
                    reach: Reach {
                        access: Access::ANY,
                        is_certain: false,
                        is_deep: false,
                    },
                    is_unknown: false,
                    through: &text,
                });
            }
            Param::Url(text) => request.context.hosts.extend(host::of_url(&text)),
        }
    }
    for key in ["command", "cmd", "script", "shell_command", "code"] {
        let text = text_param(scene, key);
        if text.is_empty() {
            continue;
        }
        // It may be for a shell; whether it is, only the tool knows.
        let plan = aegis_shell::plan(text);
        let line = Line {
            text,
            plan: &plan,
            surroundings: scene.surroundings,
            is_certain: false,
        };
        let known = touches.paths.len();
        touch_line(&line, touches);
        touches.paths.truncate(known);
        request
            .context
            .nested_agents
            .extend(programs::judge(&line, touches));
    }
}

/// Plans the links that a pending request makes.
fn plan_links_of(pending: &ActionRequest, scene: &Scene<'_>, touches: &mut Touches<'_>) {
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
    let mut there = Touches::new(scene.protected, &base);
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
                    reach: Reach {
                        access: fact.access,
                        is_certain: true,
                        is_deep: false,
                    },
                    is_unknown: false,
                    through: &through,
                });
            }
        }
    }
}
