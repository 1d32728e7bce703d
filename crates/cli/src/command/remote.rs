//! Commands that ask a service instead of looking into the files of this machine.

use aegis_api::{Client, ClientError, ProblemKind, SystemConnector};
use aegis_gate::read_regular;

use crate::arguments::ServerArguments;
use crate::exit::Exit;
use crate::here::Here;
use crate::report::{Failure, causes};

/// The variable that names the service.
const SERVER: &str = "AEGIS_SERVER";

/// The variable that holds the token for the service.
const TOKEN: &str = "AEGIS_TOKEN";

/// The most bytes that a file with a token may have.
const TOKEN_BYTES_MAX: u64 = 4_096;

/// Returns a client of the service that the arguments name, if they name one.
pub(crate) fn client(here: &Here, arguments: &ServerArguments) -> Result<Option<Client>, Failure> {
    let Some(address) = &arguments.server else {
        return match &arguments.token_file {
            Some(_) => Err(
                Failure::usage("a token is for a service, and none is named")
                    .remedy("name it with `--server ADDRESS`"),
            ),
            None => Ok(None),
        };
    };
    let token = match &arguments.token_file {
        Some(path) => {
            let unreadable = |cause: String| {
                Failure::usage(format!("`{}` holds no token: {cause}", path.display()))
            };
            let bytes = read_regular(path, TOKEN_BYTES_MAX)
                .map_err(|error| unreadable(error.to_string()))?;
            let text = String::from_utf8(bytes).map_err(|error| unreadable(error.to_string()))?;
            Some(text.trim().to_owned())
        }
        None => here.surroundings.variables.get(TOKEN).cloned(),
    };
    if token.as_ref().is_some_and(|token| !is_plain(token)) {
        return Err(Failure::usage("the token holds what no token holds"));
    }
    let client = Client::new(SystemConnector::default(), address.clone());
    Ok(Some(client.with_token(token)))
}

/// Returns the service that the environment names, for a command without options
/// that could.
pub(crate) fn of_environment(here: &Here) -> Result<ServerArguments, Failure> {
    let named = here.surroundings.variables.get(SERVER);
    let server = named.map(|text| {
        text.parse()
            .map_err(|error| Failure::usage(format!("`{SERVER}` names no service: {error}")))
    });
    Ok(ServerArguments {
        server: server.transpose()?,
        token_file: None,
    })
}

/// Returns whether a token can stand in the head of a request.
fn is_plain(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Turns what the service says into a failure of the command.
pub(crate) fn failure(error: &ClientError) -> Failure {
    let exit = match error {
        ClientError::Problem(problem) => match problem.status {
            400 | 404 => Exit::Usage,
            401 | 403 | 409 => Exit::No,
            _ => Exit::Environment,
        },
        ClientError::Unreachable { .. } | ClientError::Foreign { .. } | ClientError::Write(_) => {
            Exit::Environment
        }
    };
    let failure = Failure {
        message: causes(error),
        remedy: None,
        exit,
    };
    if is(error, ProblemKind::Unauthenticated) {
        return failure.remedy("give a token with `--token-file FILE` or in `AEGIS_TOKEN`");
    }
    failure
}

/// Returns whether the service answered with a problem of `kind`.
pub(crate) fn is(error: &ClientError, kind: ProblemKind) -> bool {
    matches!(error, ClientError::Problem(problem) if problem.code() == Some(kind.code()))
}
