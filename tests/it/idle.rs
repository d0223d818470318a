//! A settled deployment costs reads and no writes, however many passes observe it.

use crate::examples;
use crate::support::Fixture;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Passes over single deployments. Without optimisation a pass takes twelve times as long, so there
/// it is fewer; the gate runs this test optimised.
const PASSES: u64 = if cfg!(debug_assertions) { 400 } else { 10_000 };
const DEPLOYMENTS: u64 = 4;
const RESYNC: u64 = 60;

/// Passes by how they ended, as the controller itself counts them.
fn passes(fixture: &Fixture, ending: &str) -> u64 {
    let metrics = fixture.handle.metrics().render();
    let prefix = format!("evenkeel_passes_total{{ending=\"{ending}\",");
    let counts = metrics.lines().filter(|line| line.starts_with(&prefix));
    counts.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

#[tokio::test(start_paused = true)]
async fn thousands_of_idle_passes_over_the_four_examples_write_nothing() {
    let fixture = examples::all().await;
    fixture.ready_within(900).await;
    fixture.pass(2 * RESYNC).await;
    let before = passes(&fixture, "steady");
    let others: u64 = ["acted", "rolling", "held"].iter().map(|ending| passes(&fixture, ending)).sum();
    let saves = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&saves);
    fixture.saves.on_save(move |_, _| {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let changes = fixture.handle.watch();
    let mut names: Vec<String> =
        fixture.handle.statuses().iter().map(|status| status.name.to_string()).collect();
    names.sort();
    let mut records = Vec::new();
    for name in &names {
        records.push(fixture.record(name).await);
    }
    fixture.sim.reset_calls();

    // The spread makes a resync up to a twentieth longer.
    fixture.pass((PASSES / DEPLOYMENTS + 1) * RESYNC * 21 / 20).await;

    let made = passes(&fixture, "steady") - before;
    println!("{made} idle passes");
    assert!(made >= PASSES, "{made} passes");
    let still: u64 = ["acted", "rolling", "held"].iter().map(|ending| passes(&fixture, ending)).sum();
    assert_eq!(still, others, "a pass was not steady");
    assert_eq!((fixture.sim.counts().writes, fixture.writes()), (0, Vec::new()));
    assert!(fixture.sim.counts().reads >= PASSES, "AWS was read in every pass");
    assert_eq!(saves.load(Ordering::Relaxed), 0, "no record was written");
    assert!(!changes.has_changed().unwrap(), "no status was published anew");
    for (name, record) in names.iter().zip(records) {
        assert_eq!(fixture.record(name).await, record, "{name}");
    }
}
