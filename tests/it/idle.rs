//! A steady world costs reads and nothing else, however long it is looked at.

use crate::examples;
use crate::support::World;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Passes over single deployments. Without optimisation a pass takes twelve times as long, so there
/// it is fewer; the gate runs this test optimised.
const PASSES: u64 = if cfg!(debug_assertions) { 400 } else { 10_000 };
const DEPLOYMENTS: u64 = 4;
const RESYNC: u64 = 60;

/// Passes by how they ended, as the controller itself counts them.
fn passes(world: &World, ending: &str) -> u64 {
    let metrics = world.handle.metrics().render();
    let prefix = format!("evenkeel_passes_total{{ending=\"{ending}\",");
    let counts = metrics.lines().filter(|line| line.starts_with(&prefix));
    counts.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

#[tokio::test(start_paused = true)]
async fn thousands_of_idle_passes_over_the_four_examples_write_nothing() {
    let world = examples::all().await;
    world.ready_within(900).await;
    world.pass(2 * RESYNC).await;
    let before = passes(&world, "steady");
    let others: u64 = ["acted", "rolling", "held"].iter().map(|ending| passes(&world, ending)).sum();
    let saves = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&saves);
    world.saves.on_save(move |_, _| {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let changes = world.handle.watch();
    let mut names: Vec<String> =
        world.handle.statuses().iter().map(|status| status.name.to_string()).collect();
    names.sort();
    let mut records = Vec::new();
    for name in &names {
        records.push(world.record(name).await);
    }
    world.sim.reset_calls();

    // The spread makes a resync up to a twentieth longer.
    world.pass((PASSES / DEPLOYMENTS + 1) * RESYNC * 21 / 20).await;

    let made = passes(&world, "steady") - before;
    println!("{made} idle passes");
    assert!(made >= PASSES, "{made} passes");
    let still: u64 = ["acted", "rolling", "held"].iter().map(|ending| passes(&world, ending)).sum();
    assert_eq!(still, others, "a pass was not steady");
    assert_eq!((world.sim.counts().writes, world.writes()), (0, Vec::new()));
    assert!(world.sim.counts().reads >= PASSES, "AWS was looked at in every pass");
    assert_eq!(saves.load(Ordering::Relaxed), 0, "no record was written");
    assert!(!changes.has_changed().unwrap(), "no status was told anew");
    for (name, record) in names.iter().zip(records) {
        assert_eq!(world.record(name).await, record, "{name}");
    }
}
