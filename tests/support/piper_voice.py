"""A Piper voice made for the tests: a real ONNX graph with a voice's own inputs and output; it says a tone."""

import json
from pathlib import Path

import onnx
from onnx import TensorProto, helper

RATE_HZ = 16_000
SAMPLES_A_SOUND = 800
_LETTERS = "_^$ !',-.:;?abcdefghijklmnopqrstuvwxyzæçðøħŋœɐɑɒɓɔɕɖɗəɚɛɜɟɡɣɤɥɨɪɫɬɭɯɰɱɲɳɵɹɾʂʃʈʉʊʋʌʎʐʑʒʔʰʲˈˌː˥˦˧˨˩̪̩0123456789"


def make_voice(folder: Path, name: str, *, tone_hz: float = 220.0, factor: float = 0.5, **says: object) -> Path:
    """Write `NAME.onnx` and what it says of itself. A `factor` of NaN makes a voice that is broken inside."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.onnx"
    onnx.save(_graph(tone_hz, factor), path)
    config = {
        "audio": {"sample_rate": RATE_HZ},
        "espeak": {"voice": "vi"},
        "language": {"code": "vi_VN"},
        "phoneme_type": "espeak",
        "num_symbols": len(_LETTERS),
        "num_speakers": 1,
        "inference": {"noise_scale": 0.1, "length_scale": 1.0, "noise_w": 0.8},
        "phoneme_id_map": {letter: [at] for at, letter in enumerate(_LETTERS)},
        **says,
    }
    path.with_name(f"{path.name}.json").write_text(json.dumps(config))
    return path


def _graph(tone_hz: float, factor: float) -> onnx.ModelProto:
    """From n sounds to n · SAMPLES_A_SOUND · length_scale samples: a sine, and as much noise as noise_scale says."""

    def constant(name: str, kind: int, *values: float) -> onnx.NodeProto:
        return helper.make_node("Constant", [], [name], value=helper.make_tensor(name, kind, [len(values)], values))

    step = 6.283185307179586 * tone_hz / RATE_HZ
    nodes = [
        constant("first", TensorProto.INT64, 0),
        constant("second", TensorProto.INT64, 1),
        constant("each", TensorProto.FLOAT, SAMPLES_A_SOUND),
        constant("step", TensorProto.FLOAT, step),
        constant("factor", TensorProto.FLOAT, factor),
        constant("shape", TensorProto.INT64, 1, 1, 1, -1),
        helper.make_node("Gather", ["scales", "first"], ["noise_scale"]),
        helper.make_node("Gather", ["scales", "second"], ["length_scale"]),
        helper.make_node("Cast", ["input_lengths"], ["sounds"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["sounds", "each"], ["at_rest"]),
        helper.make_node("Mul", ["at_rest", "length_scale"], ["stretched"]),
        helper.make_node("Squeeze", ["stretched"], ["length"]),
        helper.make_node("Constant", [], ["zero"], value_float=0.0),
        helper.make_node("Constant", [], ["one"], value_float=1.0),
        helper.make_node("Range", ["zero", "length", "one"], ["place"]),
        helper.make_node("Mul", ["place", "step"], ["angle"]),
        helper.make_node("Sin", ["angle"], ["sine"]),
        helper.make_node("RandomNormalLike", ["sine"], ["dice"]),
        helper.make_node("Mul", ["dice", "noise_scale"], ["noise"]),
        helper.make_node("Add", ["sine", "noise"], ["both"]),
        helper.make_node("Mul", ["both", "factor"], ["voice"]),
        helper.make_node("Reshape", ["voice", "shape"], ["output"]),
    ]
    takes = [
        helper.make_tensor_value_info("input", TensorProto.INT64, [1, "n"]),
        helper.make_tensor_value_info("input_lengths", TensorProto.INT64, [1]),
        helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
    ]
    gives = [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, 1, "t"])]
    graph = helper.make_graph(nodes, "voice", takes, gives)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
