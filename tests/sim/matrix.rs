//! Values for every field of the ownership table, as the drift matrix has them.

#![expect(dead_code, reason = "what is due in a cell of the matrix is of no use here")]

#[path = "../it/matrix/contents.rs"]
pub mod contents;
#[path = "../it/matrix/rules.rs"]
pub mod rules;
#[path = "../it/matrix/specimens.rs"]
pub mod specimens;
