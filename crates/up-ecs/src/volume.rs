//! The volumes of a task definition.

use aws_sdk_ecs::types::{self as wire, EfsAuthorizationConfig, EfsVolumeConfiguration, HostVolumeProperties};
use up_core::{Context, FromAws, Result, ToAws, fill, part, read};

use crate::convert::{enabled, host_port};

/// A volume that containers of the task can mount. Without EFS and host path it is an empty volume, which is deleted
/// with the task.
#[part(Eq, PartialOrd, Ord)]
pub(crate) struct Volume {
    /// The name of the volume, unique in the task definition.
    pub(crate) name: String,
    /// An EFS file system.
    pub(crate) efs_volume_configuration: Option<Efs>,
    /// A path on the container instance; not on Fargate.
    pub(crate) host_source_path: Option<String>,
}

#[part(Eq, PartialOrd, Ord)]
pub(crate) struct Efs {
    /// The id of the EFS file system.
    file_system_id: String,
    /// The directory of the file system to mount; must be `/` with an access point, which defines its own. Default:
    /// `/`.
    #[spec(default = "/".into())]
    root_directory: String,
    /// Encrypts data in transit; required for access points and IAM authorization. Default: true.
    #[spec(default = true)]
    transit_encryption: bool,
    /// The port for encrypted data. Left out: chosen by the EFS mount helper.
    transit_encryption_port: Option<u16>,
    /// The id of the EFS access point.
    access_point_id: Option<String>,
    /// Uses the task role to authorize the mount (IAM authorization). Default: false.
    #[spec(default)]
    iam: bool,
}

/// ECS has the host path in a separate table.
impl ToAws<wire::Volume> for Volume {
    fn to_aws(&self, cx: &Context) -> Result<Option<wire::Volume>> {
        let host = self.host_source_path.as_ref();
        let host = host.map(|path| HostVolumeProperties::builder().source_path(path).build());
        let volume = wire::Volume::builder().set_host(host);
        Ok(Some(fill!(volume, cx, self: name, efs_volume_configuration).build()))
    }
}

impl FromAws<wire::Volume> for Volume {
    fn from_aws(volume: wire::Volume) -> Result<Self> {
        Ok(Self {
            name: read!(volume.name)?,
            efs_volume_configuration: read!(volume.efs_volume_configuration)?,
            host_source_path: volume.host.and_then(|host| host.source_path),
        })
    }
}

/// ECS has the access point and IAM authorization in a separate table.
impl ToAws<EfsVolumeConfiguration> for Efs {
    fn to_aws(&self, cx: &Context) -> Result<Option<EfsVolumeConfiguration>> {
        let access = EfsAuthorizationConfig::builder().set_access_point_id(self.access_point_id.clone());
        let access = access.set_iam(enabled::to_aws(&self.iam, cx)?);
        let asks = self.iam || self.access_point_id.is_some();
        let efs = EfsVolumeConfiguration::builder()
            .set_transit_encryption(enabled::to_aws(&self.transit_encryption, cx)?)
            .set_authorization_config(asks.then(|| access.build()));
        Ok(Some(fill!(efs, cx, self: file_system_id, root_directory, transit_encryption_port).build()?))
    }
}

impl FromAws<EfsVolumeConfiguration> for Efs {
    fn from_aws(efs: EfsVolumeConfiguration) -> Result<Self> {
        let (access_point_id, iam) =
            efs.authorization_config.map(|it| (it.access_point_id, it.iam)).unwrap_or_default();
        Ok(Self {
            file_system_id: efs.file_system_id,
            root_directory: efs
                .root_directory
                .filter(|path| !path.is_empty())
                .unwrap_or_else(Self::default_root_directory),
            transit_encryption: enabled::from_aws(efs.transit_encryption)?,
            transit_encryption_port: host_port::from_aws(efs.transit_encryption_port)?,
            access_point_id,
            iam: enabled::from_aws(iam)?,
        })
    }
}
