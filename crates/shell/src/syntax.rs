//! Reads shell text into a tree, without expanding anything.

mod compound;
mod document;
mod list;
mod parameter;
mod quote;
mod reader;
mod simple;
mod tree;
mod word;

pub(crate) use reader::{Origin, Parser, Stop};
pub(crate) use simple::split_assignment;
pub(crate) use tree::{
    After, Arm, Item, Kind, Link, Node, Operation, Parameter, Piece, Pipeline, RawAssignment,
    RawRedirection, RawWord, Script, Target,
};
pub(crate) use word::is_name;
