//! The wire: what a request asks for, and how an answer is written, in awsJson, awsQuery and Smithy
//! RPC v2 CBOR.

use std::{borrow::Cow, io::Read as _};

use serde_json::{Map, Value};

pub use crate::services::{Protocol, Service};
use crate::{
    cbor,
    error::ApiError,
    form::Form,
    xml::{self, XmlBody},
};

/// A request, as far as the simulation reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The region that it was signed for; `us-east-1` for an unsigned one.
    pub region: String,
    /// The service.
    pub service: Service,
    /// How it is written; one of the service's protocols.
    pub protocol: Protocol,
    /// The operation, such as `DescribeServices`.
    pub operation: String,
    /// The body; as it came, but no longer compressed.
    pub body: Vec<u8>,
    /// The access key of the signature.
    pub access_key: Option<String>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// The media type; empty for an answer that has none, because it has no body.
    pub content_type: &'static str,
    /// `x-amzn-requestid`.
    pub request_id: String,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The error code of an error.
    pub error: Option<&'static str>,
}

/// What a handler answers, before it is written.
#[derive(Debug)]
pub enum Body {
    /// Text that is JSON already.
    Json(String),
    /// The result of an awsQuery action.
    Xml(XmlBody),
    /// CBOR; empty for an operation without output.
    Cbor(Vec<u8>),
}

impl Request {
    /// Reads a request from its headers and body. The path is the header `:path`, as HTTP/2 has it.
    ///
    /// # Errors
    /// AWS's protocol errors: an unknown service, target or action, or an encoding that the service
    /// does not use.
    pub fn read<'a>(header: impl Fn(&str) -> Option<&'a str>, body: &[u8]) -> Result<Self, ApiError> {
        let scope = header("authorization").and_then(Scope::read);
        let coding = header("content-encoding");
        let body = &*uncompressed(coding, body)?;
        let place = |service: Service, protocol, operation: &str| {
            if coding == Some("gzip") && !service.row().compressed {
                return Err(unsupported("This service takes no compressed requests."));
            }
            Ok(Self {
                region: scope.as_ref().map_or("us-east-1", |scope| scope.region).to_owned(),
                service,
                protocol,
                operation: operation.to_owned(),
                body: body.to_vec(),
                access_key: scope.as_ref().map(|scope| scope.access_key.to_owned()),
            })
        };
        let by_target = |prefix: &str, protocol| {
            Service::find(|row| row.target == Some(prefix) && row.protocols.contains(&protocol))
                .ok_or_else(|| not_simulated(prefix))
        };
        if speaks_cbor(&header) {
            let Some((service, operation)) = header(":path").and_then(rpc_path) else {
                let text = "The path must be /service/SERVICE/operation/OPERATION.";
                return Err(ApiError::new(404, "UnknownOperationException", text));
            };
            return place(by_target(service, Protocol::Cbor)?, Protocol::Cbor, operation);
        }
        if let Some((prefix, operation)) = header("x-amz-target").and_then(|target| target.split_once('.')) {
            return place(by_target(prefix, Protocol::Json)?, Protocol::Json, operation);
        }
        let form = Form::parse(body);
        let Some(action) = form.get("Action") else { return Err(Self::nameless(scope.as_ref())) };
        let version = form.get("Version").unwrap_or_default();
        let query = Protocol::Query;
        let by_version = Service::find(|row| row.version == version && row.protocols.contains(&query));
        let by_name = || {
            let signed = scope.as_ref().and_then(|scope| Service::named(scope.service));
            signed.filter(|own| own.protocols().contains(&query))
        };
        match by_version.or_else(by_name) {
            Some(service) => place(service, Protocol::Query, action),
            None => Err(not_simulated(scope.as_ref().map_or(version, |scope| scope.service))),
        }
    }

    /// The error of a request that names its operation by neither header nor form, which is how
    /// those to REST services look.
    fn nameless(scope: Option<&Scope<'_>>) -> ApiError {
        match scope.filter(|scope| Service::named(scope.service).is_none()) {
            Some(scope) => not_simulated(scope.service),
            None => {
                let text = "The request has neither an x-amz-target header nor an Action.";
                ApiError::new(400, "UnknownOperationException", text)
            }
        }
    }

    /// Whether it changes something, by its name.
    #[must_use]
    pub fn is_write(&self) -> bool {
        is_write(&self.operation)
    }

    /// The input as JSON, whatever protocol it came in, for observers: what cannot be read is null,
    /// and all that awsQuery says is text.
    #[must_use]
    pub fn input(&self) -> Value {
        match self.protocol {
            Protocol::Json => self.json().unwrap_or_default(),
            Protocol::Query => Form::parse(&self.body).to_value(),
            Protocol::Cbor => cbor::decode(&self.body).unwrap_or_default(),
        }
    }

    /// The input of an awsJson request; an empty body is an empty object.
    ///
    /// # Errors
    /// `SerializationException` when it is not JSON.
    pub fn json(&self) -> Result<Value, ApiError> {
        if self.body.is_empty() {
            return Ok(Value::Object(Map::new()));
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| ApiError::new(400, "SerializationException", error.to_string()))
    }
}

/// Whether an operation changes something, by its name.
#[must_use]
pub fn is_write(operation: &str) -> bool {
    !["Describe", "List", "Get", "BatchGet", "Filter", "AssumeRole"]
        .iter()
        .any(|prefix| operation.starts_with(prefix))
}

/// The size at which a body that was compressed is too large: one byte more than the 1 MB of the
/// API reference.
const LARGEST: u64 = (1 << 20) + 1;

/// The body without its compression.
fn uncompressed<'a>(coding: Option<&str>, body: &'a [u8]) -> Result<Cow<'a, [u8]>, ApiError> {
    match coding {
        None | Some("identity" | "aws-chunked" | "") => Ok(body.into()),
        Some("gzip") => {
            let mut plain = Vec::new();
            let read = flate2::read::GzDecoder::new(body).take(LARGEST).read_to_end(&mut plain);
            read.map_err(|_| ApiError::new(400, "SerializationException", "The body is no gzip."))?;
            if plain.len() as u64 == LARGEST {
                return Err(ApiError::new(413, "RequestEntityTooLarge", "The body is larger than 1 MB."));
            }
            Ok(plain.into())
        }
        Some(_) => Err(unsupported("The body's encoding is not supported.")),
    }
}

fn unsupported(text: &str) -> ApiError {
    ApiError::new(415, "UnsupportedMediaTypeException", text)
}

fn speaks_cbor<'a>(header: &impl Fn(&str) -> Option<&'a str>) -> bool {
    header("smithy-protocol") == Some("rpc-v2-cbor")
}

/// Service and operation of `/service/SERVICE/operation/OPERATION`, after any prefix.
fn rpc_path(path: &str) -> Option<(&str, &str)> {
    let (service, operation) = path.rsplit_once("/operation/")?;
    Some((service.rsplit_once("/service/")?.1, operation))
}

fn not_simulated(what: &str) -> ApiError {
    ApiError::new(400, "UnknownOperationException", format!("The service {what} is not simulated."))
}

/// The credential scope of a signature: `Credential=KEY/20260101/eu-west-1/ecs/aws4_request`.
struct Scope<'a> {
    access_key: &'a str,
    region: &'a str,
    service: &'a str,
}

impl<'a> Scope<'a> {
    fn read(header: &'a str) -> Option<Self> {
        let scope = header.split_once("Credential=")?.1.split([',', ' ']).next()?;
        let mut parts = scope.rsplit('/').skip(1);
        let (service, region, _date) = (parts.next()?, parts.next()?, parts.next()?);
        let access_key = &scope[..scope.find('/')?];
        Some(Self { access_key, region, service })
    }
}

impl Response {
    /// Writes an answer or an error in the request's protocol.
    #[must_use]
    pub fn write(request: &Request, request_id: String, answer: Result<Body, ApiError>) -> Self {
        match answer {
            Ok(Body::Json(text)) => Self::new(request.service.row().json_type, request_id, text.into_bytes()),
            Ok(Body::Xml(body)) => {
                let text = body.render(&request.operation, &request_id);
                Self::new("text/xml", request_id, text.into_bytes())
            }
            Ok(Body::Cbor(bytes)) => {
                let kind = if bytes.is_empty() { "" } else { "application/cbor" };
                Self::new(kind, request_id, bytes).marked_as_cbor()
            }
            Err(error) => Self::error(request, request_id, &error),
        }
    }

    /// Writes an error in the request's protocol.
    #[must_use]
    pub fn error(request: &Request, request_id: String, error: &ApiError) -> Self {
        let service = request.service;
        let mut response = match request.protocol {
            Protocol::Query => {
                let text = xml::render_error(service.row().namespace, error, &request_id);
                Self::new("text/xml", request_id, text.into_bytes())
            }
            Protocol::Json => {
                let text = Value::Object(error_members(Some(service), error)).to_string();
                Self::new(service.row().json_type, request_id, text.into_bytes())
            }
            Protocol::Cbor => Self::cbor_error(request_id, Some(service), error),
        };
        // Clients of a service that once spoke awsQuery only know its errors by their old codes.
        if service.row().query_compatible && request.protocol != Protocol::Query {
            let side = if error.status < 500 { "Sender" } else { "Receiver" };
            response.headers.push(("x-amzn-query-error", format!("{};{side}", error.code)));
        }
        response.failed(error)
    }

    /// Writes the error of a request that could not be read, in the protocol that its sender
    /// understands, be it one that nothing here speaks.
    #[must_use]
    pub fn unread<'a>(
        header: impl Fn(&str) -> Option<&'a str>,
        body: &[u8],
        request_id: String,
        error: &ApiError,
    ) -> Self {
        let json = || Value::Object(error_members(None, error)).to_string().into_bytes();
        let response = match Stranger::of(&header, body) {
            Stranger::Cbor => Self::cbor_error(request_id, None, error),
            Stranger::Json => Self::new("application/x-amz-json-1.1", request_id, json()),
            Stranger::RestJson => {
                let mut response = Self::new("application/json", request_id, json());
                response.headers.push(("x-amzn-errortype", error.code.to_owned()));
                response
            }
            Stranger::Xml(form) => {
                let text = xml::render_plain_error(form, error, &request_id);
                Self::new("text/xml", request_id, text.into_bytes())
            }
        };
        response.failed(error)
    }

    fn cbor_error(request_id: String, service: Option<Service>, error: &ApiError) -> Self {
        let body = cbor::encode_texts(&error_members(service, error));
        Self::new("application/cbor", request_id, body).marked_as_cbor()
    }

    fn new(content_type: &'static str, request_id: String, body: Vec<u8>) -> Self {
        Self { status: 200, content_type, request_id, headers: Vec::new(), body, error: None }
    }

    fn failed(mut self, error: &ApiError) -> Self {
        self.status = error.status;
        self.error = Some(error.code);
        self
    }

    fn marked_as_cbor(mut self) -> Self {
        self.headers.push(("smithy-protocol", "rpc-v2-cbor".to_owned()));
        self
    }
}

/// What the sender of a request that nothing here answers understands.
enum Stranger {
    Cbor,
    Json,
    RestJson,
    Xml(xml::ErrorForm),
}

impl Stranger {
    /// By how the request is written and whom it is signed for. The REST services of botocore that
    /// answer in XML are CloudFront, Route 53 and both S3s, of which S3 wraps its errors in
    /// nothing; EC2 has awsQuery's forms and its own errors.
    fn of<'a>(header: &impl Fn(&str) -> Option<&'a str>, body: &[u8]) -> Self {
        if speaks_cbor(header) {
            return Self::Cbor;
        }
        if header("x-amz-target").is_some() {
            return Self::Json;
        }
        let service = header("authorization").and_then(Scope::read).map_or("", |scope| scope.service);
        match service {
            "s3" => Self::Xml(xml::ErrorForm::Bare),
            "cloudfront" | "route53" => Self::Xml(xml::ErrorForm::Query),
            "ec2" => Self::Xml(xml::ErrorForm::Ec2),
            _ if Form::parse(body).get("Action").is_some() => Self::Xml(xml::ErrorForm::Query),
            _ => Self::RestJson,
        }
    }
}

/// The body of an error in awsJson and CBOR.
fn error_members(service: Option<Service>, error: &ApiError) -> Map<String, Value> {
    let mut body = error.extra.clone();
    let (kind, member) = match service.map(Service::row) {
        Some(row) => ((row.error_shape)(error.code), row.error_member),
        None => (error.code, "message"),
    };
    body.insert("__type".to_owned(), kind.into());
    body.insert(member.to_owned(), error.message.as_str().into());
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/ecs/aws4_request, SignedHeaders=host, Signature=0";

    #[test]
    fn a_json_request_is_known_by_its_target_and_scope() {
        let header = |name: &str| match name {
            "authorization" => Some(SIGNED),
            "x-amz-target" => Some("AmazonEC2ContainerServiceV20141113.ListClusters"),
            _ => None,
        };
        let request = Request::read(header, b"{}").unwrap();
        assert_eq!((request.service, request.operation.as_str()), (Service::Ecs, "ListClusters"));
        assert_eq!((request.region.as_str(), request.access_key.as_deref()), ("eu-west-1", Some("AKID")));
    }

    #[test]
    fn a_form_is_known_by_its_version_and_a_stranger_is_refused() {
        let none = |_: &str| None;
        let request = Request::read(none, b"Action=DescribeRules&Version=2015-12-01").unwrap();
        assert_eq!((request.service, request.region.as_str()), (Service::Elbv2, "us-east-1"));
        assert!(Request::read(none, b"Action=DescribeDBInstances&Version=2014-10-31").is_err());
    }

    #[test]
    fn a_stranger_is_told_in_the_protocol_that_it_speaks() {
        let told = |service: &'static str, target: Option<&'static str>, body: &[u8]| {
            let signed: &'static str =
                format!("AWS4 Credential=AKID/20260101/eu-west-1/{service}/aws4_request").leak();
            let header = move |name: &str| match name {
                "authorization" => Some(signed),
                "x-amz-target" => target,
                _ => None,
            };
            let error = Request::read(header, body).unwrap_err();
            assert!(error.message.contains("not simulated"), "{service}: {error}");
            let response = Response::unread(header, body, "r-1".to_owned(), &error);
            assert_eq!((response.status, response.error), (400, Some("UnknownOperationException")));
            (response.content_type, String::from_utf8(response.body).unwrap(), response.headers)
        };
        let query = |service| told(service, None, b"Action=DescribeThings&Version=2016-11-15");
        let code = "<Code>UnknownOperationException</Code>";
        let (kind, rds, _) = query("rds");
        assert_eq!(kind, "text/xml");
        assert!(
            rds.starts_with("<ErrorResponse>") && rds.contains(code) && rds.contains("<RequestId>r-1"),
            "{rds}"
        );
        let (_, ec2, _) = query("ec2");
        assert!(ec2.starts_with("<Response><Errors><Error>") && ec2.contains(code), "{ec2}");
        let (_, s3, _) = told("s3", None, b"");
        assert!(s3.starts_with("<Error>") && s3.contains(code) && s3.contains("s3 is not simulated"), "{s3}");
        let (_, dns, _) = told("route53", None, b"");
        assert!(dns.starts_with("<ErrorResponse>"), "{dns}");
        let (kind, lambda, headers) = told("lambda", None, b"{}");
        assert_eq!((kind, headers[0].0), ("application/json", "x-amzn-errortype"));
        assert!(lambda.contains("lambda is not simulated"), "{lambda}");
        let (kind, dynamo, _) = told("dynamodb", Some("DynamoDB_20120810.ListTables"), b"{}");
        assert!(kind == "application/x-amz-json-1.1" && dynamo.contains("DynamoDB_20120810"), "{dynamo}");
    }

    #[test]
    fn a_cbor_request_is_known_by_its_path() {
        let header = |path| {
            move |name: &str| match name {
                ":path" => Some(path),
                "smithy-protocol" => Some("rpc-v2-cbor"),
                _ => None,
            }
        };
        let path = "/service/GraniteServiceVersion20100801/operation/DescribeAlarms";
        let request = Request::read(header(path), b"").unwrap();
        assert_eq!((request.service, request.protocol), (Service::Cloudwatch, Protocol::Cbor));
        assert_eq!(request.operation, "DescribeAlarms");
        // ECS has no CBOR, and the refusal is written in the protocol of the request.
        let path = "/service/AmazonEC2ContainerServiceV20141113/operation/ListClusters";
        let error = Request::read(header(path), b"").unwrap_err();
        let response = Response::unread(header(path), b"", "r".to_owned(), &error);
        assert_eq!((response.status, response.content_type), (400, "application/cbor"));
        assert!(Request::read(header("/"), b"").is_err());
    }

    #[test]
    fn only_cloudwatch_takes_compressed_bodies() {
        let packed = {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            std::io::Write::write_all(&mut encoder, b"{}").unwrap();
            encoder.finish().unwrap()
        };
        let header = |target| {
            move |name: &str| match name {
                "x-amz-target" => Some(target),
                "content-encoding" => Some("gzip"),
                _ => None,
            }
        };
        let metrics = header("GraniteServiceVersion20100801.PutMetricData");
        assert_eq!(Request::read(metrics, &packed).unwrap().body, b"{}");
        assert_eq!(Request::read(metrics, b"{}").unwrap_err().code, "SerializationException");
        let logs = header("Logs_20140328.PutLogEvents");
        assert_eq!(Request::read(logs, &packed).unwrap_err().code, "UnsupportedMediaTypeException");
    }

    #[test]
    fn reads_and_writes_differ_by_name() {
        assert!(
            !is_write("DescribeServices") && !is_write("GetSecretValue") && !is_write("BatchGetSecretValue")
        );
        assert!(is_write("UpdateService") && is_write("RunTask") && is_write("PutRetentionPolicy"));
    }
}
