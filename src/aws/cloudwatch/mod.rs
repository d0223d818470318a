//! CloudWatch: metric alarms.

pub mod read;
mod shapes;
#[cfg(test)]
mod tests;
pub mod write;
