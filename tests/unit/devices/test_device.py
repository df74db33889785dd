from __future__ import annotations

import pytest

from callcoach.devices.device import Device, SoundView, default_device, find_device, unique_names
from callcoach.devices.softphones import is_softphone, known_softphones
from callcoach.errors import DeviceError
from callcoach.events import Channel

MIC = Device("alsa_input.usb", "Jabra Evolve Mono", "microphone", True, "pulse")
HEADSET = Device("alsa_output.usb.monitor", "Jabra Evolve Mono", "output", False, "pulse")
SPEAKER = Device("alsa_output.pci.monitor", "Built-in Audio", "output", True, "pulse")
PHONE = Device("application:Linphone", "Linphone", "application", True, "pulse")
BROWSER = Device("application:Firefox", "Firefox", "application", False, "pulse")
ALL = [MIC, HEADSET, SPEAKER, PHONE, BROWSER]


@pytest.mark.parametrize("device", ALL)
@pytest.mark.parametrize("channel", Channel)
def test_an_id_always_finds_its_device(device: Device, channel: Channel) -> None:
    assert find_device(device.id, ALL, channel) is device


@pytest.mark.parametrize(("channel", "device"), [(Channel.AGENT, MIC), (Channel.CALLER, HEADSET)])
def test_a_headset_is_two_devices_of_one_name(channel: Channel, device: Device) -> None:
    assert find_device("jabra evolve mono", ALL, channel) is device


def test_a_part_of_one_name_is_enough() -> None:
    assert find_device("built-in", ALL, Channel.CALLER) is SPEAKER
    assert find_device("evolve", ALL, Channel.AGENT) is MIC


def test_a_part_of_two_names_is_refused() -> None:
    other = Device("b", "Built-in Digital", "output", False, "pulse")
    with pytest.raises(DeviceError, match="'Built-in Audio', 'Built-in Digital'"):
        find_device("built-in", [SPEAKER, other], Channel.CALLER)


def test_a_slip_of_the_pen_is_answered_with_what_was_meant() -> None:
    with pytest.raises(DeviceError, match="Did you mean 'Linphone'"):
        find_device("Linfone", ALL, Channel.CALLER)


def test_an_unknown_name_is_answered_without_a_guess() -> None:
    with pytest.raises(DeviceError) as caught:
        find_device("xyzzy-quux", ALL, Channel.CALLER)
    assert "Did you mean" not in str(caught.value)
    assert caught.value.exit_status == 4


def test_an_empty_name_finds_nothing() -> None:
    with pytest.raises(DeviceError):
        find_device(" ", ALL, Channel.AGENT)


def test_the_defaults_are_the_microphone_and_the_phone_program() -> None:
    assert default_device(ALL, Channel.AGENT) is MIC
    assert default_device(ALL, Channel.CALLER) is PHONE


def test_without_a_phone_program_the_default_output_is_the_caller() -> None:
    assert default_device([MIC, HEADSET, SPEAKER, BROWSER], Channel.CALLER) is SPEAKER


def test_an_output_is_never_the_default_of_the_agent() -> None:
    with pytest.raises(DeviceError, match="no microphone"):
        default_device([SPEAKER, PHONE], Channel.AGENT)


def test_devices_of_one_kind_and_name_are_told_apart() -> None:
    twin = Device("alsa_input.usb.2", MIC.name, "microphone", False, "pulse")
    names = [device.name for device in unique_names((MIC, twin, HEADSET))]
    assert names == [f"{MIC.name} ({MIC.id})", f"{MIC.name} ({twin.id})", HEADSET.name]


def test_a_view_knows_what_is_here() -> None:
    view = SoundView((MIC,))
    assert view.has(MIC.id)
    assert not view.has(PHONE.id)


@pytest.mark.parametrize(
    ("application", "binary", "role", "phone"),
    [
        ("ZOOM VoiceEngine", "zoom", "", True),
        ("something", "LINPHONE", "", True),
        ("anything", "anything", "phone", True),
        ("Firefox", "firefox", "", False),
        ("Zoomer", "zoomer", "music", False),
    ],
)
def test_phone_programs_are_known_by_their_whole_name(
    application: str, binary: str, role: str, phone: bool
) -> None:
    assert is_softphone(application, binary, role) is phone


def test_every_phone_program_on_the_list_has_a_name_to_match_and_a_reason() -> None:
    phones = known_softphones()
    assert len({phone.name for phone in phones}) == len(phones) >= 10
    for phone in phones:
        assert phone.reason
        assert phone.applications or phone.binaries
