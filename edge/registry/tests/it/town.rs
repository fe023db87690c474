//! A small town to test with.

use corrente_metering::{
    Timestamp,
    id::{CustomerId, OrganisationId, UsagePointId, UserId},
};
use corrente_registry::{
    Registry, RegistryError, Tx, customers,
    customers::NewCustomer,
    organisations::{self, NewOrganisation},
    usage_points::{self, NewUsagePoint},
    users::{self, NewUser, Role},
};

pub(crate) const NOW: Timestamp = Timestamp::from_second(1_790_000_000);

pub(crate) struct Town {
    pub(crate) registry: Registry,
    pub(crate) organisation: OrganisationId,
    _directory: tempfile::TempDir,
}

impl Town {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let registry = Registry::open(directory.path().join("registry.db")).unwrap();
        let organisation = registry
            .write_blocking(|tx| {
                let new = NewOrganisation::named("Vila Corrente", "America/Bahia");
                organisations::insert(tx, &new, NOW)
            })
            .unwrap();
        Self { registry, organisation, _directory: directory }
    }

    pub(crate) fn write<T: Send + 'static>(
        &self,
        operation: impl FnMut(&mut Tx) -> Result<T, RegistryError> + Send + 'static,
    ) -> T {
        self.registry.write_blocking(operation).unwrap()
    }

    pub(crate) fn read<T: Send + 'static>(
        &self,
        operation: impl FnMut(&mut Tx) -> Result<T, RegistryError> + Send + 'static,
    ) -> T {
        self.registry.read_blocking(operation).unwrap()
    }

    pub(crate) fn customer(&self, name: &'static str) -> CustomerId {
        let organisation = self.organisation;
        self.write(move |tx| {
            customers::insert(tx, &NewCustomer::named(organisation, name, name), NOW)
        })
    }

    pub(crate) fn usage_point(
        &self,
        name: &'static str,
        customer: Option<CustomerId>,
    ) -> UsagePointId {
        let organisation = self.organisation;
        self.write(move |tx| {
            let organisation = organisations::get(tx, organisation)?.unwrap();
            let mut new = NewUsagePoint::named(&organisation, name);
            new.customer = customer;
            usage_points::insert(tx, &new, NOW)
        })
    }

    pub(crate) fn user(
        &self,
        email: &'static str,
        role: Role,
        customer: Option<CustomerId>,
    ) -> UserId {
        let organisation = self.organisation;
        self.write(move |tx| {
            let new = NewUser {
                organisation,
                customer,
                email: email.to_owned(),
                name: email.to_owned(),
                role,
                password_hash: None,
                language: None,
            };
            users::insert(tx, &new, NOW)
        })
    }
}
