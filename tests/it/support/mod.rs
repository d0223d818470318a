//! A controller, its documents and its simulated AWS, all in this process and in paused time.

pub mod policy;
pub mod process;
pub mod state;
pub mod traffic;

use aws_sim::Sim;
use evenkeel::aws::{self, Aws};
use evenkeel::executor::Executor;
use evenkeel::model::condition::{ConditionType, Truth};
use evenkeel::model::ids::DeploymentName;
use evenkeel::model::request::{Request, RequestKind};
use evenkeel::model::status::{DeploymentStatus, Record};
use evenkeel::observed::Collector;
use evenkeel::reconcile::{Clock, Controller, Handle, Metrics, Reconciler, Settings, is_ready};
use evenkeel::specs::{FileSpecStore, Snapshot, SpecStore};
use evenkeel::state::{self as records, ErrorKind, FileRecordStore, RecordStore};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// Region of all test documents.
pub const REGION: &str = "eu-west-1";

/// A controller, its documents and its simulated AWS.
pub struct Fixture {
    pub sim: Sim,
    pub folder: TempDir,
    pub handle: Handle,
    pub clock: Clock,
    /// What happens to saves of records.
    pub saves: state::Saves,
    /// The part of AWS's request rates that the controller keeps to; none is no budget.
    pub share: Option<aws::Shares>,
    store: FileSpecStore,
    snapshots: mpsc::Sender<Snapshot>,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<Result<(), records::Error>>>,
}

impl Fixture {
    /// A simulated AWS with a cluster `shop`, a load balancer `shop` and secrets, in which these
    /// documents are declared. The controller may do what `manifests/iam-policy.json` allows.
    pub async fn new(documents: &[(&str, &str)]) -> Self {
        Self::on(Sim::builder().seed(7).build(), documents).await
    }

    /// The same on a simulation of one's own.
    pub async fn on(sim: Sim, documents: &[(&str, &str)]) -> Self {
        let mut fixture = Self::idle(sim, documents).await;
        fixture.start().await;
        fixture
    }

    /// The same with no controller at work yet.
    pub async fn idle(sim: Sim, documents: &[(&str, &str)]) -> Self {
        sim.seed_world(&json!({
            "region": REGION,
            "clusters": [{"name": "shop"}],
            "secrets": [{"name": "shop/db", "value": {"url": "mysql://canary-secret-value"}}],
            "loadBalancers": [{"name": "shop", "listeners": []}]
        }))
        .unwrap();
        Self::empty(sim, documents)
    }

    /// Puts the controller under another policy than the one that is shipped.
    pub fn under(&self, policy: &Value) {
        policy::grant(&self.sim, policy);
    }

    /// The same with nothing seeded.
    pub async fn bare(sim: Sim, documents: &[(&str, &str)]) -> Self {
        let mut fixture = Self::empty(sim, documents);
        fixture.start().await;
        fixture
    }

    fn empty(sim: Sim, documents: &[(&str, &str)]) -> Self {
        policy::grant(&sim, &policy::adapted(policy::SHIPPED));
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("specs")).unwrap();
        for (name, text) in documents {
            std::fs::write(folder.path().join("specs").join(name), text).unwrap();
        }
        let clock = Clock::simulated(sim.now(), 1.0);
        let store = FileSpecStore::new(folder.path().join("specs"), Duration::from_secs(3600));
        let (snapshots, _) = mpsc::channel(1);
        let handle = Handle::new(Metrics::default());
        let saves = state::Saves::default();
        Self { sim, folder, handle, clock, saves, share: None, store, snapshots, stop: None, task: None }
    }

    /// Starts a controller (again) and shows it the documents.
    pub async fn start(&mut self) {
        let sim_clock = self.sim.clock();
        let mut settings = aws::Settings::closed(self.sim.http_client(), move || sim_clock.now());
        settings.pace = aws::Pace { share: self.share.clone(), speed: 1.0 };
        let aws = Aws::connect(settings).await;
        let metrics = Metrics::default();
        self.handle = Handle::new(metrics.clone());
        let inner = FileRecordStore::new(self.state_folder());
        let lease = inner.hold("test").await.unwrap();
        let reconciler = Reconciler {
            collector: Collector::new(aws.clone()),
            executor: Executor::new(aws),
            state: Arc::new(state::Watched { inner, saves: self.saves.clone() }),
            lease,
            clock: self.clock.clone(),
            metrics,
        };
        let settings = Settings { resync: Duration::from_secs(60) };
        let controller = Controller::new(reconciler, self.handle.clone(), settings);
        let (snapshots, received) = mpsc::channel(1);
        let (stop, stopped) = oneshot::channel::<()>();
        self.snapshots = snapshots;
        self.stop = Some(stop);
        self.task = Some(tokio::spawn(controller.run(received, async { drop(stopped.await) })));
        self.declare().await;
    }

    /// Asks the controller for something, as `ctl` does.
    pub async fn ask(&self, name: &str, kind: RequestKind) {
        let (by, reason) = ("ops".to_owned(), "incident 42".to_owned());
        let request = Request { deployment: name.into(), kind, by, reason, at: self.clock.now() };
        let state = FileRecordStore::existing(self.state_folder()).unwrap();
        state.put_request(&request).await.unwrap();
    }

    /// What is asked for and was not withdrawn.
    pub async fn requests(&self) -> Vec<Request> {
        let state = FileRecordStore::existing(self.state_folder()).unwrap();
        state.requests().await.unwrap().requests
    }

    pub fn state_folder(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub fn specs_folder(&self) -> PathBuf {
        self.folder.path().join("specs")
    }

    /// Reads the documents and hands them to the controller.
    pub async fn declare(&mut self) {
        let snapshot = self.store.load().await;
        self.snapshots.send(snapshot).await.unwrap();
        // Let the controller take it in before anything else happens.
        self.pass(0).await;
    }

    /// Replaces text in a document.
    pub async fn edit(&mut self, file: &str, from: &str, to: &str) {
        self.edit_quietly(file, from, to);
        self.declare().await;
    }

    /// The same without telling the controller.
    pub fn edit_quietly(&self, file: &str, from: &str, to: &str) {
        let path = self.specs_folder().join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{file} does not contain {from}");
        std::fs::write(&path, text.replace(from, to)).unwrap();
    }

    /// Writes a document.
    pub async fn write(&mut self, file: &str, text: &str) {
        std::fs::write(self.specs_folder().join(file), text).unwrap();
        self.declare().await;
    }

    /// Removes a document for good: absent for longer than editors take. The last one of a store is
    /// not deleted before that is confirmed, which is done, too.
    pub async fn remove(&mut self, file: &str) {
        let specs = self.specs_folder();
        let deletes =
            std::fs::read_to_string(specs.join(file)).unwrap().contains("\n  deletionPolicy: Delete\n");
        std::fs::remove_file(specs.join(file)).unwrap();
        if deletes && std::fs::read_dir(&specs).unwrap().next().is_none() {
            self.ask(file.trim_end_matches(".yaml"), RequestKind::ConfirmDeletion).await;
        }
        self.declare().await;
        self.pass(2).await;
        self.declare().await;
    }

    /// Lets so many simulated seconds pass, and a millisecond: paused time only moves on when
    /// nobody has anything left to do, threads that read and write files included, so whatever was
    /// due by then is done.
    pub async fn pass(&self, seconds: u64) {
        let whole = Duration::from_secs(seconds) + Duration::from_millis(1);
        tokio::time::sleep_until(self.clock.after(whole)).await;
    }

    /// Waits until all are Ready, at most so many simulated seconds; panics with why not.
    pub async fn ready_within(&self, seconds: u64) {
        for _ in 0..seconds {
            let statuses = self.handle.statuses();
            if !statuses.is_empty() && statuses.iter().all(|status| is_ready(status)) {
                return;
            }
            self.pass(1).await;
        }
        for status in self.handle.statuses() {
            eprintln!("{}", serde_json::to_string_pretty(&*status).unwrap());
        }
        for call in self.sim.calls().iter().rev().take(30).rev() {
            eprintln!("{} {}:{} {} {:?}", call.at, call.service, call.operation, call.status, call.error);
        }
        panic!("not ready within {seconds} simulated seconds");
    }

    /// Waits until a status says what is asked for, at most so many simulated seconds.
    pub async fn until(&self, seconds: u64, what: impl Fn(&DeploymentStatus) -> bool) -> DeploymentStatus {
        for _ in 0..seconds {
            if let Some(status) = self.handle.statuses().into_iter().find(|status| what(status)) {
                return (*status).clone();
            }
            self.pass(1).await;
        }
        for status in self.handle.statuses() {
            eprintln!("{}", serde_json::to_string_pretty(&*status).unwrap());
        }
        panic!("it did not come about within {seconds} simulated seconds");
    }

    pub fn status(&self, name: &str) -> DeploymentStatus {
        let statuses = self.handle.statuses();
        let found = statuses.iter().find(|status| status.name.as_str() == name);
        (**found.unwrap_or_else(|| panic!("there is no status of {name}"))).clone()
    }

    pub async fn record(&self, name: &str) -> Record {
        let state = FileRecordStore::existing(self.state_folder()).unwrap();
        state.load(&DeploymentName::from(name)).await.unwrap().unwrap()
    }

    /// Calls that changed something since the counts were reset: all of them, though the simulation
    /// remembers the last few thousand calls only.
    #[track_caller]
    pub fn writes(&self) -> Vec<String> {
        let calls = self.sim.calls();
        let writes: Vec<String> = calls
            .iter()
            .filter(|call| call.write)
            .map(|call| format!("{}:{}", call.service, call.operation))
            .collect();
        assert_eq!(writes.len() as u64, self.sim.counts().writes, "older writes are forgotten: {writes:?}");
        writes
    }

    /// One call of AWS by somebody else, in the region of the tests.
    pub fn by_hand(&self, service: &str, operation: &str, input: Value) -> Value {
        let seed = json!({"region": REGION, "calls": [{"service": service, "operation": operation, "input": input}]});
        self.sim.seed_world(&seed).unwrap()["calls"][0].clone()
    }

    /// Kills the controller where it stands: no goodbye.
    pub async fn kill(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            assert!(task.await.is_err(), "the controller had ended before it was killed");
            // A save that a thread has begun ends there, and the lock with it.
            let free = || async { FileRecordStore::new(self.state_folder()).hold("test").await };
            while free().await.is_err_and(|error| error.kind == ErrorKind::Held) {
                tokio::task::spawn_blocking(std::thread::yield_now).await.unwrap();
            }
        }
    }

    /// Whether the controller has ended: it was killed, or it died.
    pub fn is_dead(&self) -> bool {
        self.task.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Calls that AWS carried out, by operation, reads left out.
    pub fn carried_out(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for call in self.sim.calls().iter().filter(|call| call.write && call.status / 100 == 2) {
            *counts.entry(format!("{}:{}", call.service, call.operation)).or_default() += 1;
        }
        counts
    }

    /// Stops the controller as a signal does.
    pub async fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(task) = self.task.take() {
            task.await.unwrap().unwrap();
        }
    }
}

/// The shop's service as ECS shows it, with its tags.
pub fn service(fixture: &Fixture) -> Value {
    let input = json!({"cluster": "shop", "services": ["shop-web"], "include": ["TAGS"]});
    fixture.by_hand("ecs", "DescribeServices", input)["services"][0].clone()
}

/// Somebody changes the shop's service.
pub fn update_service(fixture: &Fixture, mut fields: Value) {
    fields["cluster"] = json!("shop");
    fields["service"] = json!("shop-web");
    fixture.by_hand("ecs", "UpdateService", fields);
}

/// Resources by the shop's names that somebody else made.
pub fn strangers(fixture: &Fixture) {
    fixture.by_hand("logs", "CreateLogGroup", json!({"logGroupName": "/ecs/shop"}));
    let definition = json!({"family": "theirs", "cpu": "256", "memory": "512", "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"], "containerDefinitions": [{"name": "web", "image": "registry.example.com/theirs:1"}]});
    fixture.by_hand("ecs", "RegisterTaskDefinition", definition);
    let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-7"]}});
    let made = json!({"cluster": "shop", "serviceName": "shop-web", "taskDefinition": "theirs", "desiredCount": 1,
        "launchType": "FARGATE", "networkConfiguration": network});
    fixture.by_hand("ecs", "CreateService", made);
}

/// Whether a condition holds, with its reason and message.
pub fn condition(status: &DeploymentStatus, kind: ConditionType) -> (Truth, String, String) {
    let condition = status.conditions.iter().find(|condition| condition.kind == kind).unwrap();
    (condition.status, condition.reason.to_string(), condition.message.clone())
}

/// An application with a migration, a web service behind a rule, and a log group.
pub const SHOP: &str = r#"
apiVersion: evenkeel.dev/v1alpha1
kind: Application
metadata: {name: shop}
spec:
  placement: {region: eu-west-1, cluster: shop}
  logGroups:
    /ecs/shop: {retentionInDays: 30}
  targetGroups:
    web:
      port: 8080
      vpcId: vpc-0123456789abcdef0
      healthCheckPath: /health
      healthCheckIntervalSeconds: 10
      attributes: {deregistration_delay.timeout_seconds: "15"}
  listeners:
    http:
      loadBalancer: shop
      port: 80
      protocol: HTTP
      defaultActions: [{type: fixed-response, fixedResponseConfig: {statusCode: "404"}}]
  rules:
    web:
      listener: http
      priority: 10
      conditions: [{field: path-pattern, values: [/*]}]
      actions: [{type: forward, targetGroup: web}]
  components:
    migrate:
      taskDefinition: &definition
        cpu: 256
        memory: 512
        executionRoleArn: arn:aws:iam::123456789012:role/shop-execution
        containerDefinitions:
          - name: migrate
            image: registry.example.com/shop-migrations:1.0
            secrets: [{name: DATABASE_URL, valueFrom: "shop/db:url::"}]
            logConfiguration: &logs
              logDriver: awslogs
              options: {awslogs-group: /ecs/shop, awslogs-region: eu-west-1, awslogs-stream-prefix: shop}
      task:
        launchType: FARGATE
        networkConfiguration: &network
          awsvpcConfiguration: {subnets: [subnet-0123456789abcdef0, subnet-0123456789abcdef1], securityGroups: [sg-0123456789abcdef0]}
    web:
      dependsOn: [migrate]
      taskDefinition:
        cpu: 256
        memory: 512
        executionRoleArn: arn:aws:iam::123456789012:role/shop-execution
        containerDefinitions:
          - name: web
            image: registry.example.com/shop:1.0
            portMappings: [{containerPort: 8080}]
            environment: [{name: B, value: "2"}, {name: A, value: "1"}]
            logConfiguration: *logs
      service:
        desiredCount: 2
        launchType: FARGATE
        networkConfiguration: *network
        loadBalancers: [{targetGroup: web, containerName: web, containerPort: 8080}]
        healthCheckGracePeriodSeconds: 30
        deploymentConfiguration:
          deploymentCircuitBreaker: {enable: true, rollback: true}
"#;
