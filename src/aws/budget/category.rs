//! The throttling categories of AWS and what it publishes of them.
//!
//! Rates: "Request throttling for the Amazon ECS API" and "Request throttling for the Elastic Load
//! Balancing API" in the AWS documentation, quotas of CloudWatch, CloudWatch Logs and Secrets
//! Manager.

use strum::{EnumIter, EnumString, IntoStaticStr};

/// A throttling category of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumIter, EnumString, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Category {
    /// DescribeServices, ListServices.
    EcsServiceRead,
    /// CreateService, UpdateService, DeleteService, ContinueServiceDeployment.
    EcsServiceWrite,
    /// DescribeTaskDefinition, ListTaskDefinitions.
    EcsDefinitionRead,
    /// RegisterTaskDefinition, DeregisterTaskDefinition: one per second, the narrowest of all.
    EcsDefinitionWrite,
    /// ListTasks, DescribeTasks.
    EcsTaskRead,
    /// RunTask, StopTask.
    EcsTaskWrite,
    /// ListServiceDeployments, DescribeServiceDeployments.
    EcsServiceDeployments,
    /// DescribeServiceRevisions.
    EcsServiceRevisions,
    /// DescribeClusters.
    EcsClusterRead,
    /// TagResource, UntagResource.
    EcsTagWrite,
    /// ListTagsForResource.
    EcsTagRead,
    /// ELB Describe….
    ElbRead,
    /// ELB Create…, Modify…, Delete…, AddTags.
    ElbWrite,
    /// ELB RegisterTargets, DeregisterTargets.
    ElbTargets,
    /// CloudWatch DescribeAlarms, ListTagsForResource.
    AlarmRead,
    /// CloudWatch PutMetricAlarm, DeleteAlarms, TagResource.
    AlarmWrite,
    /// CloudWatch Logs Describe… and List….
    LogsRead,
    /// CloudWatch Logs Create…, Put…, Delete…, TagResource.
    LogsWrite,
    /// Secrets Manager DescribeSecret.
    SecretsRead,
    /// STS GetCallerIdentity.
    Sts,
}

/// One bucket: AWS's burst and refill per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Calls that are let go at once.
    pub burst: f64,
    /// Calls per second after that.
    pub refill: f64,
}

impl Category {
    /// The word used in metrics.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// What AWS publishes, per account and region.
    pub fn published(self) -> Rate {
        let (burst, refill) = match self {
            Self::EcsServiceRead | Self::EcsTaskRead => (100.0, 20.0),
            Self::EcsServiceWrite => (50.0, 5.0),
            Self::EcsDefinitionWrite => (20.0, 1.0),
            Self::EcsDefinitionRead
            | Self::EcsServiceDeployments
            | Self::EcsServiceRevisions
            | Self::EcsClusterRead
            | Self::EcsTagRead => (50.0, 20.0),
            Self::EcsTaskWrite => (100.0, 40.0),
            Self::EcsTagWrite => (20.0, 10.0),
            Self::ElbRead => (40.0, 10.0),
            Self::ElbWrite => (20.0, 3.0),
            Self::ElbTargets => (20.0, 4.0),
            // CloudWatch quotas L-21CB40A4 and L-0720E68F; it publishes none for tags and
            // deletions, which are counted with these.
            Self::AlarmRead => (9.0, 9.0),
            Self::AlarmWrite => (3.0, 3.0),
            Self::LogsRead | Self::LogsWrite => (10.0, 10.0),
            Self::SecretsRead => (10_000.0, 10_000.0),
            Self::Sts => (100.0, 100.0),
        };
        Rate { burst, refill }
    }

    /// ELB counts every action a second time in a bucket for all of them.
    pub(super) fn is_elb(self) -> bool {
        matches!(self, Self::ElbRead | Self::ElbWrite | Self::ElbTargets)
    }
}

/// ELB's bucket for all actions together.
pub(super) const ELB_ALL: Rate = Rate { burst: 40.0, refill: 10.0 };
