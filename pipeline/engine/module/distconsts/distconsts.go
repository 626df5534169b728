// Package distconsts stands in for the engine's nested module of the same
// name, which no module proxy serves. It holds the places where the engine
// expects its helpers; pipeline/engine/rootfs.py lays a root out to match.
package distconsts

const (
	EngineContainerName   = "dagger-engine"
	DefaultEngineSockAddr = "unix:///run/dagger/engine.sock"

	RuncPath       = "/usr/local/bin/runc"
	DaggerInitPath = "/usr/local/bin/dagger-init"

	EngineDefaultStateDir            = "/var/lib/dagger"
	EngineContainerBuiltinContentDir = "/usr/local/share/dagger/content"
	EngineCustomCACertsDir           = "/usr/local/share/ca-certificates"

	OCIVersionAnnotation = "org.opencontainers.image.version"
)

// Module SDKs are not part of this engine: their content directory is empty,
// so the digests that these variables would name are never found.
const (
	GoSDKManifestDigestEnvName         = "DAGGER_GO_SDK_MANIFEST_DIGEST"
	PythonSDKManifestDigestEnvName     = "DAGGER_PYTHON_SDK_MANIFEST_DIGEST"
	TypescriptSDKManifestDigestEnvName = "DAGGER_TYPESCRIPT_SDK_MANIFEST_DIGEST"
)

// Images that interactive features of the engine would pull; unused here.
const (
	AlpineVersion = "3.22"
	AlpineImage   = "alpine:" + AlpineVersion
	BusyboxImage  = "busybox:latest"
	GolangImage   = "golang:alpine"
)
