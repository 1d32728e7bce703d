//! The structure of a text as the grammar of tree-sitter sees it.

use tree_sitter::{Node, Parser};

use super::{Simple, Structure};

/// The other grammar.
pub struct Grammar(Parser);

/// How a part of a text is reached.
#[derive(Clone, Copy)]
struct Way {
    place: (usize, usize),
    after: &'static str,
    /// Whether it stands in a loop or at a branch, where no operator counts.
    is_branch: bool,
}

impl Grammar {
    pub fn new() -> Self {
        let mut parser = Parser::new();
        let language = tree_sitter_bash::LANGUAGE.into();
        parser.set_language(&language).expect("the versions fit");
        Self(parser)
    }

    /// Returns the structure of `text`; nothing if the grammar does not read all of it.
    pub fn structure(&mut self, text: &str) -> Option<Structure> {
        let tree = self.0.parse(text, None)?;
        if tree.root_node().has_error() {
            return None;
        }
        let mut structure = Structure::default();
        let way = Way {
            place: (0, 1),
            after: "",
            is_branch: false,
        };
        visit(tree.root_node(), way, text, &mut structure);
        structure.commands.sort();
        Some(structure)
    }
}

fn children(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.children(&mut cursor).collect()
}

fn visit(node: Node<'_>, way: Way, text: &str, found: &mut Structure) {
    match node.kind() {
        "command" => {
            if let Some(name) = node.child_by_field_name("name") {
                command(name, way, text, found);
            }
            inner(node, way, text, found);
        }
        "declaration_command" | "unset_command" => {
            let first = children(node).first().copied();
            first
                .into_iter()
                .for_each(|name| command(name, way, text, found));
        }
        "test_command" => {
            let sign = children(node).first().copied();
            let sign = sign.filter(|sign| sign.kind() == "[");
            sign.into_iter()
                .for_each(|name| command(name, way, text, found));
        }
        "pipeline" | "list" | "redirected_statement" => joined(node, way, text, found),
        "function_definition" => {
            let name = node.child_by_field_name("name");
            let name = name.map(|name| text[name.byte_range()].to_owned());
            found.functions.extend(name);
        }
        "file_redirect" => target(node.child_by_field_name("destination"), found),
        "herestring_redirect" => target(children(node).pop(), found),
        "heredoc_body" => found.documents += 1,
        "if_statement"
        | "while_statement"
        | "for_statement"
        | "c_style_for_statement"
        | "case_statement" => {
            let way = Way {
                after: "",
                is_branch: true,
                ..way
            };
            inner(node, way, text, found);
        }
        "command_substitution"
        | "process_substitution"
        | "string"
        | "arithmetic_expansion"
        | "expansion"
        | "variable_assignment"
        | "concatenation" => {}
        _ => inner(node, way, text, found),
    }
}

/// Visits statements that operators join.
///
/// The grammar nests them in other ways than bash does where there are
/// redirections, and where a list stands before a pipeline; their order in the
/// text is enough to tell what belongs together.
fn joined(node: Node<'_>, way: Way, text: &str, found: &mut Structure) {
    let mut parts = Vec::new();
    flatten(node, &mut parts);
    parts.sort_by_key(Node::start_byte);
    let mut way = way;
    for pipeline in parts.split_inclusive(|part| matches!(part.kind(), "&&" | "||")) {
        let members: Vec<_> = pipeline
            .split(|part| matches!(part.kind(), "|" | "|&"))
            .collect();
        for (position, member) in members.iter().enumerate() {
            let place = if members.len() > 1 {
                (position, members.len())
            } else {
                way.place
            };
            for part in *member {
                visit(*part, Way { place, ..way }, text, found);
            }
        }
        let is_negated = pipeline.first().map(Node::kind) == Some("negated_command");
        match pipeline.last().map(Node::kind) {
            // It succeeds when what it runs fails.
            Some("&&") if !way.is_branch && is_negated => way.after = "||",
            Some("&&") if !way.is_branch => way.after = "&&",
            Some("||") if !way.is_branch => way.after = "||",
            _ => {}
        }
    }
}

fn flatten<'t>(node: Node<'t>, parts: &mut Vec<Node<'t>>) {
    for part in children(node) {
        match part.kind() {
            "pipeline" | "list" | "redirected_statement" | "heredoc_redirect" => {
                flatten(part, parts);
            }
            "heredoc_start" | "heredoc_end" | "<<" | "<<-" => {}
            _ => parts.push(part),
        }
    }
}

/// Adds what a redirection names, or the text of a document.
fn target(node: Option<Node<'_>>, found: &mut Structure) {
    found.targets.extend(node.map(|node| node.start_byte()));
}

fn inner(node: Node<'_>, way: Way, text: &str, found: &mut Structure) {
    for part in children(node) {
        visit(part, way, text, found);
    }
}

/// Adds a command whose name stands there as it is.
fn command(name: Node<'_>, way: Way, text: &str, found: &mut Structure) {
    let written = &text[name.byte_range()];
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+[:".contains(letter);
    if written.chars().all(is_plain) {
        found.commands.push(Simple {
            start: name.start_byte(),
            name: written.to_owned(),
            place: way.place,
            after: way.after,
        });
    }
}
