//! The simulation from outside, in paused time: one binary, one module for each theme.

#[cfg(test)]
mod cloudwatch;
#[cfg(test)]
mod definitions;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod hooks;
#[cfg(test)]
mod iam;
#[cfg(test)]
mod rollouts;
#[cfg(test)]
mod sdk;
#[cfg(test)]
mod shifting;
#[cfg(test)]
mod storms;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tasks;
