//! What a task definition says of one volume.

use aws_sdk_ecs::types::{
    self as wire, EfsAuthorizationConfig, EfsAuthorizationConfigIam, EfsTransitEncryption, EfsVolumeConfiguration,
    HostVolumeProperties,
};
use up_core::{Error, Result, part};

/// Storage that containers of a task mount by its name. With neither EFS nor a path: empty, and gone with the task.
#[part(Eq, PartialOrd, Ord)]
pub(crate) struct Volume {
    /// Its name, unique in the task.
    pub(crate) name: String,
    /// An EFS file system.
    pub(crate) efs_volume_configuration: Option<Efs>,
    /// A directory of the host; not on Fargate.
    pub(crate) host_source_path: Option<String>,
}

#[part(Eq, PartialOrd, Ord)]
pub(crate) struct Efs {
    /// The file system's id.
    file_system_id: String,
    /// The directory in it that becomes the volume's root; `/` with an access point, which has its own. Default: `/`.
    #[spec(default = "/".into())]
    root_directory: String,
    /// Encrypts what goes over the network, as access points and IAM demand. Default: true.
    #[spec(default = true)]
    transit_encryption: bool,
    /// The port for that. Left out: one that is free.
    transit_encryption_port: Option<u16>,
    /// The access point's id.
    access_point_id: Option<String>,
    /// Asks IAM whether the task's role may mount it. Default: false.
    #[spec(default)]
    iam: bool,
}

impl Volume {
    pub(crate) fn wire(&self) -> Result<wire::Volume> {
        let host = self.host_source_path.as_ref();
        let host = host.map(|path| HostVolumeProperties::builder().source_path(path).build());
        let efs = self.efs_volume_configuration.as_ref().map(Efs::wire).transpose()?;
        Ok(wire::Volume::builder().name(&self.name).set_host(host).set_efs_volume_configuration(efs).build())
    }

    pub(crate) fn observed(volume: wire::Volume) -> Result<Self> {
        Ok(Self {
            name: volume.name.ok_or_else(|| Error::absent("name of a volume"))?,
            efs_volume_configuration: volume.efs_volume_configuration.map(Efs::observed).transpose()?,
            host_source_path: volume.host.and_then(|host| host.source_path),
        })
    }
}

impl Efs {
    fn wire(&self) -> Result<EfsVolumeConfiguration> {
        let encryption =
            if self.transit_encryption { EfsTransitEncryption::Enabled } else { EfsTransitEncryption::Disabled };
        let iam = if self.iam { EfsAuthorizationConfigIam::Enabled } else { EfsAuthorizationConfigIam::Disabled };
        let access = EfsAuthorizationConfig::builder().set_access_point_id(self.access_point_id.clone()).iam(iam);
        let asks = self.iam || self.access_point_id.is_some();
        let efs = EfsVolumeConfiguration::builder().file_system_id(&self.file_system_id);
        let efs = efs.root_directory(&self.root_directory).transit_encryption(encryption);
        let efs = efs.set_transit_encryption_port(self.transit_encryption_port.map(i32::from));
        Ok(efs.set_authorization_config(asks.then(|| access.build())).build()?)
    }

    fn observed(efs: EfsVolumeConfiguration) -> Result<Self> {
        let port = efs.transit_encryption_port.filter(|port| *port != 0).map(u16::try_from).transpose();
        let (access_point_id, iam) =
            efs.authorization_config.map(|it| (it.access_point_id, it.iam)).unwrap_or_default();
        Ok(Self {
            file_system_id: efs.file_system_id,
            root_directory: efs
                .root_directory
                .filter(|path| !path.is_empty())
                .unwrap_or_else(Efs::default_root_directory),
            transit_encryption: efs.transit_encryption == Some(EfsTransitEncryption::Enabled),
            transit_encryption_port: port.map_err(|_| Error::absent("port that can be"))?,
            access_point_id,
            iam: iam == Some(EfsAuthorizationConfigIam::Enabled),
        })
    }
}
