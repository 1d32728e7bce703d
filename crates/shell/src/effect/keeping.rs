//! Programs that reach for other machines, and keep their words to themselves.

/// Programs that reach for machines of their own choice and keep their words to
/// themselves: names, versions and tags.
const KEEPING: [&str; 26] = [
    "apt",
    "apt-get",
    "brew",
    "bun",
    "bundle",
    "bunx",
    "cargo",
    "composer",
    "docker",
    "dotnet",
    "gem",
    "go",
    "gradle",
    "helm",
    "mvn",
    "nerdctl",
    "npm",
    "npx",
    "pip",
    "pip3",
    "pnpm",
    "podman",
    "terraform",
    "uv",
    "uvx",
    "yarn",
];

/// Returns whether what the words of a program say stays on this machine.
pub(super) fn keeps_words(name: &str) -> bool {
    KEEPING.contains(&name)
}
