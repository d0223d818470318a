//! The binaries as they are shipped: real processes, real ports, real time; only AWS is simulated,
//! sixty times as fast.

use super::{REGION, SHOP, policy};
use aws_sim::Sim;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Simulated seconds per second.
const SPEED: f64 = 60.0;
/// Longest that anything here may take.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A simulated AWS on a port, and folders for documents and records.
pub struct Workspace {
    pub sim: Sim,
    pub folder: TempDir,
    endpoint: String,
    _runtime: Runtime,
}

impl Workspace {
    /// A workspace in which the shop is declared, with the replacements.
    pub fn new(replacements: &[(&str, &str)]) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let sim = {
            let _inside = runtime.enter();
            Sim::builder().seed(7).start(aws_sim::clock::wall_now()).speed(SPEED).build()
        };
        sim.seed_world(&json!({
            "region": REGION,
            "clusters": [{"name": "shop"}],
            "secrets": [{"name": "shop/db", "value": {"url": "mysql://canary-secret-value"}}],
            "loadBalancers": [{"name": "shop", "listeners": []}]
        }))
        .unwrap();
        policy::grant(&sim, &policy::adapted(policy::SHIPPED));
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let server = sim.clone();
        runtime.spawn(async move { server.serve(listener, std::future::pending()).await });
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("specs")).unwrap();
        let mut document = SHOP.to_owned();
        for (from, to) in replacements {
            assert!(document.contains(from), "{from}");
            document = document.replace(from, to);
        }
        std::fs::write(folder.path().join("specs/shop.yaml"), document).unwrap();
        Self { sim, folder, endpoint, _runtime: runtime }
    }

    /// The same with nobody listening where AWS should be.
    pub fn unreachable() -> Self {
        Self { endpoint: format!("http://{}", free_port()), ..Self::new(&[]) }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `evenkeel run` on these folders, with a short resync and further arguments.
    pub fn run(&self, arguments: &[&str]) -> Process {
        let pace = ["--resync", "1s", "--budget-share", "100"];
        let mut command = self.command(env!("CARGO_BIN_EXE_evenkeel"));
        command.arg("run").args(self.folders()).args(pace).args(arguments);
        Process::start(command)
    }

    /// A command of `ctl` on these folders: exit code, stdout and stderr.
    pub fn ctl(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = self.command(env!("CARGO_BIN_EXE_ctl"));
        command.args(arguments).args(self.folders());
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    /// A program that finds AWS in this workspace and nothing else of this machine.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.folder.path())
            .env("AWS_ENDPOINT_URL", &self.endpoint)
            .env("AWS_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", "AKIASIMULATED")
            .env("AWS_SECRET_ACCESS_KEY", "simulated")
            .current_dir(self.folder.path());
        command
    }

    fn folders(&self) -> [String; 4] {
        let url = |path: &Path| format!("file:{}", path.display());
        ["--store".to_owned(), url(&self.path("specs")), "--state".to_owned(), url(&self.path("state"))]
    }

    /// One call of AWS by somebody else.
    pub fn by_hand(&self, service: &str, operation: &str, input: Value) -> Value {
        let call = json!({"service": service, "operation": operation, "input": input});
        let seed = json!({"region": REGION, "calls": [call]});
        self.sim.seed_world(&seed).unwrap()["calls"][0].clone()
    }

    /// How often AWS carried an operation out for the controller.
    pub fn carried_out(&self, operation: &str) -> usize {
        let calls = self.sim.calls();
        calls.iter().filter(|call| call.operation == operation && call.status / 100 == 2).count()
    }
}

/// A process whose output is listened to. It does not outlive the test.
pub struct Process {
    child: Child,
    lines: Receiver<String>,
    /// What it said so far.
    pub said: Vec<String>,
}

impl Process {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { child, lines, said: Vec::new() }
    }

    /// Listens until a line contains this.
    pub fn says(&mut self, what: &str) -> String {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    self.said.push(line.clone());
                    if line.contains(what) {
                        return line;
                    }
                }
                Err(error) => panic!("{what} was not said ({error}): {:#?}", self.said),
            }
        }
    }

    /// Asks it to stop, as an orchestrator does.
    pub fn terminate(&self) {
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Its exit code and all that it said, if it ends within this time.
    pub fn ends_within(mut self, limit: Duration) -> (i32, String) {
        let (ended, waiting) = channel();
        let lines = std::mem::replace(&mut self.lines, channel().1);
        let said = std::mem::take(&mut self.said);
        let listener = std::thread::spawn(move || {
            let all: Vec<String> = said.into_iter().chain(lines).collect();
            let _ = ended.send(());
            all
        });
        if waiting.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            self.child.kill().unwrap();
            panic!("it did not end within {limit:?}: {:#?}", listener.join().unwrap());
        }
        let code = self.child.wait().unwrap().code().expect("it was not killed by a signal");
        (code, listener.join().unwrap().join("\n"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address that nobody listens on.
pub fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Status and body of a page.
pub fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}
