# Copyright 2026 The robomamba_jax authors
# SPDX-License-Identifier: Apache-2.0
"""SAPIEN scenes: built, rendered, and queried for what a pixel shows.

The simulator's frames stay inside: what comes out is in OpenCV cameras, metres and world points.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from robomamba_jax.data.geometry.camera import MANIPLLM_TO_OPENCV, Camera
from robomamba_jax.data.sources.paths import AllowedRoots
from robomamba_jax.errors import InputError
from robomamba_jax.utils.file_names import lasting_plain_path
from robomamba_jax.world.objects.library import EMBEDDED, Library, PartNet
from robomamba_jax.world.objects.meshes import Mesh, box, turn_to
from robomamba_jax.world.objects.model import Joint, MeshFile, Solid
from robomamba_jax.world.sim.scenes import SceneSpec, Thing, joint_range
from robomamba_jax.world.sim.vulkan import check_renderer, load_sapien

TIMESTEP = 1 / 500  # seconds, as in ManipLLM
_NEAR, _FAR = 0.1, 100.0  # metres, as where2act's camera
_TABLE = 1.35  # half of a table's side, in metres
_FLOOR = 8.0
_MIPMAPS = 5


@dataclasses.dataclass(frozen=True, eq=False)
class CameraFrame:
    """One image of the camera, with its depth and segmentation.

    Attributes:
      rgb: uint8[H, W, 3], white where there is nothing.
      depth: float32[H, W], metres along the optical axis; 0 where there is nothing.
      links: int16[H, W], index of the object's link, -1 elsewhere.
      camera: the camera.
      things: int16[H, W], place in ``SceneSpec.things`` of the plain thing, -1 elsewhere.
    """

    rgb: npt.NDArray[np.uint8]
    depth: npt.NDArray[np.float32]
    links: npt.NDArray[np.int16]
    camera: Camera
    things: npt.NDArray[np.int16]


class Simulator:
    """SAPIEN in this process. Make one and keep it: its first image takes seconds, because shaders
    are compiled, and they are compiled again once the last scene is gone.

    Attributes:
      sapien: the module.
      objects: where objects come from.
    """

    def __init__(
        self,
        assets: str | Path | None = None,
        listing: str | Path | None = None,
        on_error: str = "raise",
        allow_roots: Sequence[str] = (),
    ) -> None:
        """Load SAPIEN.

        Args:
          assets: a PartNet-Mobility folder; None = the embedded objects.
          listing: the list of its objects, see ``library.PartNet``.
          on_error: "skip": objects of it that are not there or broken are left out.
          allow_roots: folders into which links among an object's files may lead.

        Raises:
          InputError: it is not installed, or nothing can be drawn with.
        """
        self.sapien = load_sapien()
        check_renderer(self.sapien)
        self.sapien.render.set_camera_shader_dir("minimal")
        physics = self.sapien.physx.get_scene_config()
        # PhysX's newer solver lets a joint creep whose friction exceeds the pull, see
        # gripper.DriveConstraint.
        physics.enable_tgs = False
        # The same seed has to give the same trial, whatever ran in this process before.
        physics.enable_enhanced_determinism = True
        self.sapien.physx.set_scene_config(physics)
        body = self.sapien.physx.get_body_config()
        body.solver_position_iterations = 20  # as ManipLLM
        self.sapien.physx.set_body_config(body)
        self._keep = self.sapien.Scene()  # keeps the compiled shaders, see above
        self.objects: Library = EMBEDDED
        if assets is not None or listing is not None:
            if assets is None or listing is None:
                raise InputError(
                    "bad_arguments",
                    "--assets and --asset-list belong together",
                    "give the folder of the objects and the list of their categories",
                )
            allowed = AllowedRoots.of(allow_roots, "--allow-root {root}")
            self.objects = PartNet(self.sapien, Path(assets), Path(listing), on_error, allowed)

    def new_scene(self) -> Any:
        """An empty scene with the world's time step."""
        sapien_scene = self.sapien.Scene()
        sapien_scene.set_timestep(TIMESTEP)
        return sapien_scene

    def render_body(self, pieces: Sequence[Solid]) -> Any:
        """Solids as one component to render."""
        render = self.sapien.render
        body = render.RenderBodyComponent()
        for piece in pieces:
            if piece.file is None:
                body.attach(_shape(render, piece))
                continue
            for shape in _file_shapes(self.sapien, piece.file):
                body.attach(shape)
        return body


def _shape(render: Any, piece: Solid) -> Any:
    shiny = piece.metallic
    material = render.RenderMaterial(
        base_color=[*piece.color.rgb, 1.0],
        roughness=0.35 if shiny else 0.75,
        metallic=0.35 if shiny else 0.0,
        specular=0.5 if shiny else 0.15,
    )
    mesh = piece.mesh
    places = np.zeros((len(mesh.vertices), 2), np.float32)  # no texture
    if piece.pattern is not None:
        image = piece.pattern.image()
        # Mipmaps, or what is far away would flicker; linear as all our colours are.
        material.base_color_texture = render.RenderTexture2D(
            image, "R8G8B8A8Unorm", _MIPMAPS, "linear", "repeat", False
        )
        material.base_color = [1.0, 1.0, 1.0, 1.0]
        places = piece.pattern.places(mesh)
    vertices, normals = mesh.vertices.astype(np.float32), mesh.normals.astype(np.float32)
    return render.RenderShapeTriangleMesh(
        vertices, mesh.triangles.astype(np.uint32), normals, places, material
    )


def _file_shapes(sapien: Any, file: MeshFile) -> list[Any]:
    """A mesh file with its own materials."""
    make, path = sapien.render.RenderShapeTriangleMesh, str(lasting_plain_path(file.path))
    pose = np.eye(4, dtype=np.float32)
    pose[:3, :3], pose[:3, 3] = file.turn, file.offset
    if np.prod(file.scale) > 0:
        shapes = [make(path, file.scale.astype(np.float32))]
    else:  # what is mirrored would show its inside
        shapes = []
        for part in make(path).parts:
            mesh = Mesh(part.get_vertices(), part.get_triangles(), part.get_vertex_normal())
            mesh = mesh.scaled(file.scale)
            vertices, normals = mesh.vertices.astype(np.float32), mesh.normals.astype(np.float32)
            triangles = np.ascontiguousarray(mesh.triangles)
            uv = part.get_vertex_uv()
            shapes.append(make(vertices, triangles, normals, uv, part.get_material()))
    for shape in shapes:
        shape.local_pose = sapien.Pose(pose)
    return shapes


class SimScene:
    """A ``SceneSpec`` built in SAPIEN.

    Attributes:
      simulator: SAPIEN.
      spec: what stands where.
      sapien_scene: SAPIEN's.
      articulation: the object, SAPIEN's.
      links: its bodies, in the model's order.
      camera: SAPIEN's.
      reaches: the links' longest levers, as ``surfaces.reach`` works them out.
    """

    def __init__(self, simulator: Simulator, spec: SceneSpec) -> None:
        """Build it.

        Args:
          simulator: SAPIEN.
          spec: what stands where.
        """
        self.simulator, self.spec = simulator, spec
        self.sapien_scene = simulator.new_scene()
        self._meshes = [link.mesh().scaled(spec.scale) for link in spec.model.links]
        self.articulation = build_articulation(simulator, self.sapien_scene, spec)
        self.links = list(self.articulation.links)
        self.reaches: dict[int, float] = {}
        # What the segmentation image shows of an entity; 0 is the background.
        self._entities = {link.entity.per_scene_id: k for k, link in enumerate(self.links)}
        self._thing_entities: dict[int, int] = {}
        self._surroundings()
        self.camera = self._add_camera(spec.camera)

    def _lights(self) -> None:
        look, sapien_scene = self.spec.look, self.sapien_scene
        if look is not None:
            sapien_scene.set_ambient_light(list(look.ambient))
            for sun in look.suns:
                sapien_scene.add_directional_light(list(sun.at), list(sun.color))
            for lamp in look.lamps:
                sapien_scene.add_point_light(list(lamp.at), list(lamp.color))
            return
        sapien_scene.set_ambient_light([0.5, 0.5, 0.5])
        x, y, z, bright = self.spec.light
        sapien_scene.add_directional_light([x, y, z], [bright] * 3)
        for position in ((-2, 2, 3), (-2, -2, 3), (2, 0, 3)):
            sapien_scene.add_point_light(position, [0.6, 0.6, 0.6])

    def _surroundings(self) -> None:
        spec = self.spec
        self._lights()
        # An entity each, so that the segmentation image tells them apart.
        for k, thing in enumerate(spec.things):
            entity = self.add(self.simulator.render_body([_solid(thing)]))
            self._thing_entities[entity.per_scene_id] = k
        low = spec.position[2] + spec.scale * float(spec.model.bounds()[0][2])
        if spec.surface != "none":
            side = 2 * (_FLOOR if spec.surface == "floor" else _TABLE)
            # Its top is 2 mm below the object: two faces in one plane would flicker.
            slab = box((side, side, 0.08), (*spec.position[:2], low - 0.042))
            pattern = None if spec.look is None else spec.look.surface_pattern
            surface = Solid(spec.surface, slab, spec.surface_color, pattern=pattern)
            self.add(self.simulator.render_body([surface]))
        if spec.look is not None and spec.look.backdrop is not None:
            self.add(self.simulator.render_body([_solid(spec.look.backdrop)]))

    def add(self, component: Any) -> Any:
        """Put something visible, which nothing collides with, into the scene; its entity."""
        entity = self.simulator.sapien.Entity()
        entity.add_component(component)
        self.sapien_scene.add_entity(entity)
        return entity

    def _add_camera(self, camera: Camera) -> Any:
        made = self.sapien_scene.add_camera(
            "camera",
            camera.width,
            camera.height,
            2 * np.arctan(camera.height / 2 / camera.K[1, 1]),  # the vertical field of view
            _NEAR,
            _FAR,
        )
        assert camera.camera_to_world is not None
        # SAPIEN's cameras look along +x with y to the left and z up, as ManipLLM's frame does.
        pose = camera.camera_to_world.copy()
        pose[:3, :3] = pose[:3, :3] @ MANIPLLM_TO_OPENCV
        made.entity.set_pose(self.simulator.sapien.Pose(pose.astype(np.float32)))
        return made

    @property
    def joints(self) -> npt.NDArray[np.float64]:
        """float64[J], where the joints stand, in the order of model.movable."""
        return np.asarray(self.articulation.get_qpos(), np.float64)

    def set_joints(self, values: npt.ArrayLike) -> None:
        """Put the joints somewhere, at rest."""
        self.articulation.set_qpos(np.asarray(values, np.float32))
        self.articulation.set_qvel(np.zeros(len(self.joints), np.float32))

    def render(self) -> CameraFrame:
        """An image of the scene as it stands now."""
        self.sapien_scene.update_render()
        self.camera.take_picture()
        color = self.camera.get_picture("Color")
        # Position and segmentation in one texture: x, y, z, and the entity's number.
        where = self.camera.get_picture("PositionSegmentation")
        ids = where[..., 3]
        rgb = np.round(color[..., :3].clip(0, 1) * np.float32(255)).astype(np.uint8)
        rgb[ids == 0] = 255
        # OpenGL's camera looks along -z; millimetres. Where nothing is, z is 0.
        depth = where[..., 2].astype(np.float32) / np.float32(-1000)
        depth[ids == 0] = 0
        links, things = (_numbered(ids, known) for known in (self._entities, self._thing_entities))
        return CameraFrame(rgb, depth, links, self.spec.camera, things)

    def link_pose(self, link: int) -> npt.NDArray[np.float64]:
        """float64[4, 4]: a link's frame (the object's, all joints at 0) to world, as it is now."""
        return np.asarray(self.links[link].entity_pose.to_transformation_matrix(), np.float64)

    def link_mesh(self, link: int) -> Mesh:
        """A link's triangles where they are now, in the world frame."""
        pose = self.link_pose(link)
        return self._meshes[link].moved(pose[:3, 3], pose[:3, :3])

    def link_labels(self, link: int) -> list[tuple[str, int]]:
        """The labels of a link's solids and their numbers of triangles, in the mesh's order."""
        return [(s.label, len(s.mesh.triangles)) for s in self.spec.model.links[link].solids]


def _numbered(ids: npt.NDArray[np.integer], known: dict[int, int]) -> npt.NDArray[np.int16]:
    """Entity numbers -> the numbers that are known of some of them; everything else is -1."""
    table = np.full(max(int(ids.max()), *known, 0) + 1, -1, np.int16)
    table[list(known)] = list(known.values())
    return table[ids]


def _solid(thing: Thing) -> Solid:
    return Solid(thing.shape, thing.mesh, thing.color, pattern=thing.pattern)


def build_articulation(simulator: Simulator, sapien_scene: Any, spec: SceneSpec) -> Any:
    """The object in a scene, its joints where the scene has them, without gravity.

    Every link's frame is the object's frame with all joints at 0, so that meshes need no
    frames of their own. There are no collision shapes: contacts are found by rays (``surfaces``),
    and a link moves by what pulls at it alone.
    """
    sapien, model = simulator.sapien, spec.model
    builder = sapien_scene.create_articulation_builder()
    made: list[Any] = []
    for link in model.links:
        record = builder.create_link_builder(made[link.parent] if link.parent >= 0 else None)
        record.set_name(link.name)
        vertices = link.mesh().vertices * spec.scale
        low = vertices.min(axis=0) if len(vertices) else np.zeros(3)
        high = vertices.max(axis=0) if len(vertices) else np.zeros(3)
        size = np.maximum(high - low, 0.02)
        # A solid box of the link's extent and 1 kg: I_x = m (y^2 + z^2) / 12; 2 cm thick at least,
        # or a sheet's inertia would be too small for the solver.
        inertia = np.roll(size**2, -1) + np.roll(size**2, 1)
        record.set_mass_and_inertia(1.0, sapien.Pose((low + high) / 2), inertia / 12)
        if link.joint is not None:
            pose = joint_pose(sapien, link.joint, spec.scale)
            limits = [joint_range(model, len(made), spec.scale)]
            record.set_joint_name(link.name)
            record.set_joint_properties(link.joint.kind, limits, pose, pose, 0, 0)
        made.append(record)
    articulation = builder.build(fix_root_link=True)
    articulation.set_root_pose(sapien.Pose(spec.pose().astype(np.float32)))
    articulation.set_qpos(np.asarray(spec.joints, np.float32))
    for link, body in zip(model.links, articulation.links, strict=True):
        body.disable_gravity = True
        body.linear_damping = body.angular_damping = 0.0
        pieces = [solid.resized(np.zeros(3), spec.scale) for solid in link.solids]
        if spec.look is not None and spec.look.body_pattern is not None:
            # What has another colour than the object keeps it plain: a door stays in sight.
            pieces = [
                dataclasses.replace(piece, pattern=spec.look.body_pattern)
                if piece.color.name == model.color.name and piece.file is None
                else piece
                for piece in pieces
            ]
        if pieces:
            body.entity.add_component(simulator.render_body(pieces))
    return articulation


def joint_pose(sapien: Any, joint: Joint, scale: float) -> Any:
    """A joint's frame: SAPIEN's axis is its +x."""
    turn = turn_to(joint.axis)  # +z becomes the axis
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([turn[:, 2], turn[:, 0], turn[:, 1]], axis=1)
    matrix[:3, 3] = np.asarray(joint.origin) * scale
    return sapien.Pose(matrix.astype(np.float32))
