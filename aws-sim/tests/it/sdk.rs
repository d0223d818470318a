//! The HTTP client that goes under an SDK.

use std::time::Duration;

use aws_sim::{
    Sim,
    faults::{Effect, FaultRule, When},
};
use aws_smithy_runtime_api::client::{
    http::HttpConnector,
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;

async fn call(sim: &Sim, target: &str, body: &'static str) -> Result<HttpResponse, ConnectorError> {
    let mut request = HttpRequest::new(SdkBody::from(body));
    let scope =
        "AWS4-HMAC-SHA256 Credential=AK/20260101/eu-west-1/ecs/aws4_request, SignedHeaders=host, Signature=0";
    request.headers_mut().insert("authorization", scope);
    request.headers_mut().insert("x-amz-target", target.to_owned());
    sim.http_client().call(request).await
}

#[tokio::test(start_paused = true)]
async fn an_answer_carries_what_real_clients_look_at() {
    let sim = Sim::builder().latency(Duration::from_millis(20), Duration::from_millis(20)).build();
    let before = sim.now();
    let response = call(&sim, "AmazonEC2ContainerServiceV20141113.CreateCluster", "{}").await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    assert_eq!(response.headers().get("content-type"), Some("application/x-amz-json-1.1"));
    assert_eq!(response.headers().get("x-amzn-requestid").map(str::len), Some(36));
    let body = String::from_utf8(response.body().bytes().unwrap().to_vec()).unwrap();
    assert!(body.contains("arn:aws:ecs:eu-west-1:123456789012:cluster/default"), "{body}");
    assert_eq!(sim.now().duration_since(before).as_millis(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_typed_and_a_broken_connection_is_an_io_error() {
    let sim = Sim::builder().build();
    let refused = call(&sim, "AmazonEC2ContainerServiceV20141113.ListServices", "{}").await.unwrap();
    let body: serde_json::Value = serde_json::from_slice(refused.body().bytes().unwrap()).unwrap();
    assert_eq!((refused.status().as_u16(), body["__type"].as_str()), (400, Some("ClusterNotFoundException")));
    let stranger = call(&sim, "DynamoDB_20120810.PutItem", "{}").await.unwrap();
    assert_eq!(stranger.status().as_u16(), 400);
    sim.faults().add(FaultRule::on("*", Effect::LostReply).when(When::Once));
    let broken = call(&sim, "AmazonEC2ContainerServiceV20141113.CreateCluster", "{}").await.unwrap_err();
    assert!(broken.is_io());
    sim.faults().add(FaultRule::on("*", Effect::Reset));
    assert!(call(&sim, "AmazonEC2ContainerServiceV20141113.ListClusters", "{}").await.unwrap_err().is_io());
    sim.faults().clear();
    let listed = call(&sim, "AmazonEC2ContainerServiceV20141113.ListClusters", "{}").await.unwrap();
    assert!(String::from_utf8_lossy(listed.body().bytes().unwrap()).contains("cluster/default"));
}
