//! Values on their way into and out of the database, without the engine's name.
//!
//! The engine stores four kinds of value. Everything else (ids, instants, amounts, dates, documents) is
//! turned into one of them here and nowhere else, so that a second engine needs one more file.

use std::str::FromStr;

use corrente_metering::{
    ChannelId, ChannelKind, Date, Direction, Timestamp,
    id::{
        AccountId, AgreementId, AlertEventId, AlertRuleId, ApiTokenId, AuditId, BillingRunId,
        CustomerId, DestinationId, DialReadingId, EditId, EnrolmentTokenId, FindingId,
        InstallationId, InvoiceId, InvoiceShareId, MeterId, NamedStretchId, OrganisationId,
        OutboxId, ParentageId, PaymentId, PlanId, PointEventId, RelookId, RuleSetId, TariffId,
        TariffVersionId, UsagePointId, UserId,
    },
};
use corrente_units::{Currency, Decimal, Energy, Money};

use crate::RegistryError;

/// What the engine stores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Text(String),
}

/// A value that can be bound to a parameter.
pub(crate) trait ToValue {
    fn to_value(&self) -> Value;
}

/// A value that a column can hold; `None` when it does not fit.
pub(crate) trait FromValue: Sized {
    fn from_value(value: &Value) -> Option<Self>;
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, ToValue::to_value)
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Option<Self> {
        if *value == Value::Null { Some(None) } else { T::from_value(value).map(Some) }
    }
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Value {
        (*self).to_value()
    }
}

impl ToValue for str {
    fn to_value(&self) -> Value {
        Value::Text(self.to_owned())
    }
}

impl ToValue for String {
    fn to_value(&self) -> Value {
        Value::Text(self.clone())
    }
}

impl FromValue for String {
    fn from_value(value: &Value) -> Option<Self> {
        text(value).map(str::to_owned)
    }
}

impl ToValue for i64 {
    fn to_value(&self) -> Value {
        Value::Integer(*self)
    }
}

impl FromValue for i64 {
    fn from_value(value: &Value) -> Option<Self> {
        integer(value)
    }
}

impl ToValue for bool {
    fn to_value(&self) -> Value {
        Value::Integer(i64::from(*self))
    }
}

impl FromValue for bool {
    fn from_value(value: &Value) -> Option<Self> {
        integer(value).and_then(|number| match number {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        })
    }
}

macro_rules! small_integers {
    ($($type:ty),*) => {$(
        impl ToValue for $type {
            fn to_value(&self) -> Value {
                Value::Integer(i64::from(*self))
            }
        }
        impl FromValue for $type {
            fn from_value(value: &Value) -> Option<Self> {
                integer(value).and_then(|number| number.try_into().ok())
            }
        }
    )*};
}
small_integers!(u8, u16, u32, i32);

macro_rules! as_text {
    ($($type:ty),*) => {$(
        impl ToValue for $type {
            fn to_value(&self) -> Value {
                Value::Text(self.to_string())
            }
        }
        impl FromValue for $type {
            fn from_value(value: &Value) -> Option<Self> {
                text(value).and_then(|text| <$type>::from_str(text).ok())
            }
        }
    )*};
}
as_text!(
    AccountId,
    AgreementId,
    AlertEventId,
    AlertRuleId,
    ApiTokenId,
    AuditId,
    BillingRunId,
    CustomerId,
    DestinationId,
    DialReadingId,
    EditId,
    EnrolmentTokenId,
    FindingId,
    InstallationId,
    InvoiceId,
    InvoiceShareId,
    MeterId,
    NamedStretchId,
    OrganisationId,
    OutboxId,
    PaymentId,
    ParentageId,
    PlanId,
    PointEventId,
    RelookId,
    RuleSetId,
    TariffId,
    TariffVersionId,
    UsagePointId,
    UserId,
    Date,
    Decimal,
    serde_json::Value
);

impl ToValue for Currency {
    fn to_value(&self) -> Value {
        Value::Text(self.code().to_owned())
    }
}

impl FromValue for Currency {
    fn from_value(value: &Value) -> Option<Self> {
        text(value).and_then(|text| text.parse().ok())
    }
}

impl ToValue for Timestamp {
    fn to_value(&self) -> Value {
        Value::Integer(self.second())
    }
}

impl FromValue for Timestamp {
    fn from_value(value: &Value) -> Option<Self> {
        integer(value).map(Self::from_second)
    }
}

impl ToValue for Energy {
    fn to_value(&self) -> Value {
        Value::Integer(self.wh())
    }
}

impl FromValue for Energy {
    fn from_value(value: &Value) -> Option<Self> {
        integer(value).map(Self::from_wh)
    }
}

impl ToValue for Money {
    fn to_value(&self) -> Value {
        Value::Integer(self.minor())
    }
}

impl FromValue for Money {
    fn from_value(value: &Value) -> Option<Self> {
        integer(value).map(Self::from_minor)
    }
}

impl ToValue for ChannelId {
    fn to_value(&self) -> Value {
        Value::Integer(i64::try_from(self.number()).unwrap_or(i64::MAX))
    }
}

impl FromValue for ChannelId {
    fn from_value(value: &Value) -> Option<Self> {
        integer(value).and_then(|number| u64::try_from(number).ok()).map(Self::from_number)
    }
}

/// Makes an enum of unit variants a text column.
macro_rules! words {
    ($($type:ty { $($variant:ident = $word:literal),* $(,)? })*) => {$(
        impl $crate::value::ToValue for $type {
            fn to_value(&self) -> $crate::value::Value {
                $crate::value::Value::Text(match self { $(<$type>::$variant => $word),* }.to_owned())
            }
        }
        impl $crate::value::FromValue for $type {
            fn from_value(value: &$crate::value::Value) -> Option<Self> {
                match $crate::value::text(value)? {
                    $($word => Some(<$type>::$variant),)*
                    _ => None,
                }
            }
        }
    )*};
}
pub(crate) use words;

words! {
    ChannelKind { Register = "register", Interval = "interval" }
    Direction { Import = "import", Export = "export" }
}

pub(crate) fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        Value::Null | Value::Integer(_) => None,
    }
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(number) => Some(*number),
        Value::Null | Value::Text(_) => None,
    }
}

/// Named parameters of a statement: `params! { id, name: &new.name }` binds `$id` and `$name`.
macro_rules! params {
    ($($name:ident $(: $value:expr)?),* $(,)?) => {
        &[$((stringify!($name), $crate::value::params!(@value $name $(, $value)?))),*]
    };
    (@value $name:ident) => { $crate::value::ToValue::to_value(&$name) };
    (@value $name:ident, $value:expr) => { $crate::value::ToValue::to_value(&$value) };
}
pub(crate) use params;

/// A row as it comes from the engine.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    pub(crate) columns: &'a [String],
    pub(crate) values: Vec<Value>,
}

impl Row<'_> {
    /// The value of a column of this row.
    pub(crate) fn get<T: FromValue>(&self, column: &'static str) -> Result<T, RegistryError> {
        let place = self.columns.iter().position(|name| name == column);
        let found = place.and_then(|place| self.values.get(place));
        let Some(value) = found else {
            return Err(RegistryError::Unreadable { column, found: "no such column".to_owned() });
        };
        T::from_value(value).ok_or_else(|| RegistryError::Unreadable {
            column,
            found: match value {
                Value::Null => "nothing".to_owned(),
                Value::Integer(number) => number.to_string(),
                Value::Text(text) => text.clone(),
            },
        })
    }
}

/// A struct that a row becomes.
pub(crate) trait FromRow: Sized {
    fn from_row(row: &Row<'_>) -> Result<Self, RegistryError>;
}

/// Declares a struct with public fields that is read from the columns of the same names, or from the
/// column named after the type: `from: Timestamp = "from_s"`.
macro_rules! row {
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $($(#[$field_meta:meta])* $field:ident : $type:ty $(= $column:literal)?),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        $vis struct $name {
            $($(#[$field_meta])* pub $field: $type),*
        }
        impl $crate::value::FromRow for $name {
            fn from_row(row: &$crate::value::Row<'_>) -> Result<Self, $crate::RegistryError> {
                Ok(Self { $($field: row.get($crate::value::row!(@column $field $(, $column)?))?),* })
            }
        }
    };
    (@column $field:ident) => { stringify!($field) };
    (@column $field:ident, $column:literal) => { $column };
}
pub(crate) use row;
