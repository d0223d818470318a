//! `evenkeel demo`: simulated AWS on a loopback port, an example of every kind, and the very
//! controller that `evenkeel run` runs.

use crate::run::{self, Parts, Running};
use anstyle::{AnsiColor, Style};
use anyhow::Context;
use aws_sim::Sim;
use aws_sim::traffic::{Clients, Counts};
use evenkeel::aws::{self, Aws};
use evenkeel::model::condition::{ConditionType, Truth};
use evenkeel::model::kinds::Kind;
use evenkeel::model::location::Location;
use evenkeel::model::status::DeploymentStatus;
use evenkeel::model::visible::visible;
use evenkeel::reconcile::{Clock, Handle, Settings, is_ready};
use evenkeel::settings::{DemoArgs, LogFormat};
use evenkeel::telemetry;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::Instant;

/// What the examples expect to be there before.
const SEED: &str = include_str!("../manifests/examples/aws-sim-world.json");
/// Region of the examples.
const REGION: &str = "eu-west-1";
/// How often the demo's controller observes everything, in simulated time.
const RESYNC: Duration = Duration::from_secs(60);
/// Nothing is shown before: at the start everything waits for everything, and a moment later for
/// what matters.
const FIRST_STATUS: Duration = Duration::from_secs(1);
/// How often clients send requests, in simulated time.
const CLIENTS: Duration = Duration::from_secs(2);
/// How often it is looked at what became of them, in real time.
const COUNTED: Duration = Duration::from_secs(1);
/// Longest line of progress, in characters.
const LINE: usize = 100;

/// Runs the demo until it is interrupted, or with `--exit-when-ready` until all are Ready.
pub async fn demo(args: DemoArgs) -> anyhow::Result<bool> {
    let DemoArgs { dir, listen, speed, exit_when_ready, timeout, log } = args;
    telemetry::init(&log, LogFormat::Text).map_err(anyhow::Error::msg)?;
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!("cannot serve simulated AWS on {listen} (another demo, or another emulator?); choose another address with --listen, such as --listen 127.0.0.1:0")
    })?;
    let listen = listener.local_addr().context("cannot tell the address of simulated AWS")?;
    let endpoint = format!("http://{listen}");
    let sim = Sim::builder().start(Clock::real().now()).speed(speed).build();
    let about = json!({
        "endpoint": endpoint,
        "region": REGION,
        "speed": speed,
        // What the simulated clock showed when: so `ctl` tells ages by it.
        "clock": {"simulated": sim.now(), "real": Clock::real().now()},
    });
    let edited = prepare(&dir, &about.to_string()).await?;
    let seed = serde_json::from_str(SEED).context("the demo's seed is not JSON")?;
    sim.seed_world(&seed)
        .map_err(|error| anyhow::anyhow!("the demo's seed is refused: {}", error.message))?;
    let server = tokio::spawn({
        let sim = sim.clone();
        async move { sim.serve(listener, std::future::pending()).await }
    });
    let pace = aws::Pace { speed, ..Default::default() };
    let parts = Parts {
        aws: Aws::connect(aws::Settings { pace, ..aws::Settings::simulated(endpoint.clone()) }).await,
        clock: Clock::simulated(sim.now(), speed),
        settings: Settings { resync: RESYNC },
    };
    anstream::println!("Simulated AWS   {endpoint}  (region {REGION}, {speed} times faster than real time)");
    anstream::println!("Documents       {}", dir.join("specs").display());
    for name in edited {
        anstream::println!(
            "                {name} is kept as it was edited; remove it to get the example back"
        );
    }
    anstream::println!("Status          {} status\n", ctl(&dir));
    let [specs, state] = ["specs", "state"].map(|name| Location::File(dir.join(name)));
    let running = run::start(parts, &specs, &state).await?;
    let customers = tokio::spawn(shop_around(sim.clone()));
    let patience = exit_when_ready.then_some(Duration::from_secs(timeout));
    let outcome = watch(running, &sim, patience, &dir, &endpoint).await;
    customers.abort();
    server.abort();
    outcome
}

/// Clients of whatever the load balancers serve: they begin with what answers, and go on with it.
async fn shop_around(sim: Sim) {
    let clients = Clients::of(&sim);
    loop {
        clients.learn();
        clients.send();
        sim.clock().sleep(CLIENTS).await;
    }
}

/// Makes the demo folder: documents that are not there yet, an empty state (the simulated AWS of
/// last time is gone), and what `ctl` needs to find it. Returns the documents that are there and
/// differ from the examples.
async fn prepare(dir: &Path, about_text: &str) -> anyhow::Result<Vec<&'static str>> {
    let specs = dir.join("specs");
    let state = dir.join("state");
    let about = dir.join("demo.json");
    std::fs::create_dir_all(&specs)
        .with_context(|| format!("cannot make {} (see --dir)", specs.display()))?;
    if about.exists() && state.exists() {
        // Opening it first makes sure that no other demo works with it.
        let alone = evenkeel::state::open(&Location::File(state.clone()));
        alone.hold("evenkeel demo").await.context("is another demo running in this folder? (see --dir)")?;
        drop(alone);
        std::fs::remove_dir_all(&state).with_context(|| format!("cannot empty {}", state.display()))?;
    }
    let mut files = vec![(about, about_text), (dir.join(".gitignore"), "*\n")];
    let mut edited = Vec::new();
    for (name, text) in Kind::ALL.map(Kind::example) {
        let path = specs.join(name);
        match std::fs::read(&path) {
            Ok(there) if there != text.as_bytes() => edited.push(name),
            Ok(_) => {}
            Err(_) => files.push((path, text)),
        }
    }
    for (path, text) in files {
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(edited)
}

/// How `ctl` is called so that it finds the demo: the usual folder it finds by itself.
fn ctl(dir: &Path) -> String {
    if dir == Path::new(".evenkeel") {
        "ctl".to_owned()
    } else {
        format!("ctl --state file:{}", dir.join("state").display())
    }
}

/// Shows what changes until it is time to go.
async fn watch(
    mut running: Running,
    sim: &Sim,
    until_ready: Option<Duration>,
    dir: &Path,
    endpoint: &str,
) -> anyhow::Result<bool> {
    let handle = running.handle.clone();
    let deadline = until_ready.map(|patience| Instant::now() + patience);
    let mut progress = Progress::new();
    let mut changes = handle.watch();
    let outcome = loop {
        progress.show(&handle);
        progress.show_traffic(sim);
        let all_ready = progress.all_ready(&handle);
        if all_ready && deadline.is_some() {
            break true;
        }
        if all_ready && progress.hint_once() {
            hint(dir, endpoint);
        }
        tokio::select! {
            _ = changes.changed() => {}
            () = tokio::time::sleep_until(Instant::now() + COUNTED) => {}
            () = run::signalled() => break true,
            error = running.ended() => return Err(error),
            () = wait_until(deadline) => {
                explain(&handle);
                break false;
            }
        }
    };
    progress.sum_up(sim);
    running.stop().await?;
    Ok(outcome)
}

async fn wait_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

fn explain(handle: &Handle) {
    for status in handle.statuses().iter().filter(|status| !is_ready(status)) {
        anstream::eprintln!("{}: not ready: {}", status.name, visible(&run::why(status)));
        for waiting in &status.waiting_on {
            anstream::eprintln!("  {} waits for {}", waiting.resource, visible(&waiting.on.to_string()));
        }
        for finding in &status.findings {
            anstream::eprintln!("  {finding}");
        }
    }
}

/// The beginning of a text, at most `most` characters.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// Lines about what changed.
struct Progress {
    began: Instant,
    said: BTreeMap<String, String>,
    /// Requests that each listener had lost at the last look.
    lost: BTreeMap<String, u64>,
    hinted: bool,
}

impl Progress {
    fn new() -> Self {
        Self { began: Instant::now(), said: BTreeMap::new(), lost: BTreeMap::new(), hinted: false }
    }

    fn show(&mut self, handle: &Handle) {
        if self.began.elapsed() < FIRST_STATUS {
            return;
        }
        for status in handle.statuses() {
            for (name, component) in &status.components {
                let what = match component.message.as_str() {
                    "" => component.phase.clone(),
                    message => match message.strip_prefix("waiting for ") {
                        Some(what) => format!("{} for {what}", component.phase),
                        None => format!("{} ({message})", component.phase),
                    },
                };
                self.say(&format!("{}/{name}", status.name), &component.phase, &what);
            }
            let ready = status.conditions.iter().find(|c| c.kind == ConditionType::Ready);
            if let Some(ready) =
                ready.filter(|ready| ready.status == Truth::True || !self.waits_quietly(&status))
            {
                let word = if ready.status == Truth::True { "Ready" } else { ready.reason.as_str() };
                self.say(status.name.as_str(), word, word);
            }
        }
    }

    /// Says of each listener when it begins to serve, and when requests are lost.
    fn show_traffic(&mut self, sim: &Sim) {
        for (listener, counts) in sim.traffic().iter() {
            let lost = self.lost.insert(listener.to_owned(), counts.lost).unwrap_or(0);
            let word = if counts.lost > lost { "Losing" } else { "Serving" };
            self.say(listener, word, &format!("{word} ({})", told(counts)));
        }
    }

    /// What became of all requests, by listener.
    fn sum_up(&self, sim: &Sim) {
        for (listener, counts) in sim.traffic().iter() {
            anstream::println!("Traffic         {listener:<24} {}", told(counts));
        }
    }

    /// Whether a deployment that is not ready is merely under way.
    fn waits_quietly(&self, status: &DeploymentStatus) -> bool {
        !status.conditions.iter().any(|c| c.kind == ConditionType::Stalled && c.status == Truth::True)
    }

    /// Says something once per word.
    fn say(&mut self, who: &str, word: &str, what: &str) {
        if self.said.get(who).is_some_and(|said| said == word) {
            return;
        }
        self.said.insert(who.to_owned(), word.to_owned());
        let style = match word {
            "Complete" | "Ready" | "Serving" => Style::new().fg_color(Some(AnsiColor::Green.into())),
            "Stalled" | "Contested" | "RolledBack" | "InvalidSpec" | "Losing" => {
                Style::new().fg_color(Some(AnsiColor::Red.into()))
            }
            _ => Style::new().fg_color(Some(AnsiColor::Yellow.into())),
        };
        let seconds = self.began.elapsed().as_secs_f64();
        let before = format!("{seconds:6.1}s  {who:<24} ");
        let what = cut(what, LINE - before.chars().count());
        anstream::println!("{before}{style}{}{style:#}", visible(&what));
    }

    fn all_ready(&self, handle: &Handle) -> bool {
        let statuses = handle.statuses();
        handle.store_is_read() && !statuses.is_empty() && statuses.iter().all(|status| is_ready(status))
    }

    fn hint_once(&mut self) -> bool {
        !std::mem::replace(&mut self.hinted, true)
    }
}

fn told(counts: Counts) -> String {
    let Counts { served, answered, lost } = counts;
    let requests = if served == 1 { "request" } else { "requests" };
    match answered {
        0 => format!("{served} {requests} served, {lost} lost"),
        _ => {
            format!("{served} {requests} served, {lost} lost, {answered} answered by the load balancer alone")
        }
    }
}

fn hint(dir: &Path, endpoint: &str) {
    let ctl = ctl(dir);
    let shop = dir.join("specs/application.yaml");
    anstream::println!(
        "\nAll are Ready. Try, in a second terminal:\n\n\
         \x20 {ctl} status                 # what runs, and why anything does not\n\
         \x20 {ctl} plan                   # what would be done now: nothing\n\n\
         Change an image tag, save, and watch it roll:\n\n\
         \x20 sed -i 's/web:2.14.0/web:2.14.1/' {shop}\n\
         \x20 {ctl} status shop --watch\n\n\
         Break something; it is repaired within the minute of simulated time:\n\n\
         \x20 export AWS_ACCESS_KEY_ID=demo AWS_SECRET_ACCESS_KEY=demo\n\
         \x20 aws --endpoint-url {endpoint} --region {REGION} ecs update-service \\\n\
         \x20     --cluster shop --service shop-web --desired-count 5 --query service.desiredCount\n\
         \x20 {ctl} events shop            # what was seen and done\n\n\
         Ctrl-C ends the demo.\n",
        shop = shop.display()
    );
}
