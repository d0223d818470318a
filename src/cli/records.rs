//! Where the commands that only look find what is recorded: in the state folder, or with a running
//! controller that is asked over HTTP. The commands do not know the difference.

use super::places::Places;
use super::server::Server;
use super::{out, state};
use crate::model::status::Record;
use crate::model::view::{DeploymentList, DeploymentView, EventList};
use crate::state::{self as store, RecordStore};
use anyhow::anyhow;
use std::sync::Arc;

/// What is recorded, to look at.
pub(super) enum Records<'p> {
    /// The state folder, with the places that say how late it is.
    Folder(Arc<dyn RecordStore>, &'p Places),
    /// A controller.
    Server(Server),
}

impl<'p> Records<'p> {
    /// What the flags say, or the demo folder.
    ///
    /// # Errors
    ///
    /// When they say nothing, say both, or there is nothing to open.
    pub(super) fn open(places: &'p Places) -> anyhow::Result<Self> {
        Ok(match places.server()? {
            Some(server) => Self::Server(server),
            None => Self::Folder(state::open(places)?, places),
        })
    }

    /// All deployments; what could not be read is said on stderr.
    ///
    /// # Errors
    ///
    /// When the records cannot be read, or the server does not tell them.
    pub(super) async fn list(&self) -> anyhow::Result<DeploymentList> {
        let list = match self {
            Self::Server(server) => server.list().await?,
            Self::Folder(state, places) => {
                let recorded = store::read(&**state).await?;
                let now = places.clock(recorded.latest())?.now();
                recorded.list(now)
            }
        };
        list.damaged.iter().chain(&list.warnings).for_each(|said| out::warn(said));
        Ok(list)
    }

    /// One deployment; `Err` inside holds the sentence for a name that nothing has.
    ///
    /// # Errors
    ///
    /// As for [`Self::list`].
    pub(super) async fn find(&self, name: &str) -> anyhow::Result<Result<DeploymentView, String>> {
        let found = match self {
            Self::Server(server) => server.find(name).await?,
            Self::Folder(state, places) => match store::read_one(&**state, name).await? {
                Ok(one) => {
                    let now = places.clock(one.latest())?.now();
                    Ok(one.view(now))
                }
                Err(unknown) => Err(unknown),
            },
        };
        found.iter().flat_map(|view| &view.warnings).for_each(|said| out::warn(said));
        Ok(found)
    }

    /// One deployment.
    ///
    /// # Errors
    ///
    /// As for [`Self::list`]; also when there is none of that name, with the one that was probably
    /// meant.
    pub(super) async fn one(&self, name: &str) -> anyhow::Result<DeploymentView> {
        self.find(name).await?.map_err(|unknown| anyhow!(unknown))
    }

    /// The events of one deployment.
    ///
    /// # Errors
    ///
    /// As for [`Self::one`].
    pub(super) async fn events(&self, name: &str) -> anyhow::Result<EventList> {
        match self {
            Self::Server(server) => server.events(name).await?.map_err(|unknown| anyhow!(unknown)),
            Self::Folder(..) => self.one(name).await.map(EventList::from),
        }
    }

    /// The records as they are stored. A server does not tell them: there are none.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub(super) async fn stored(&self) -> anyhow::Result<Vec<Record>> {
        match self {
            Self::Folder(store, _) => Ok(state::all(&**store).await?.records),
            Self::Server(_) => Ok(Vec::new()),
        }
    }
}
